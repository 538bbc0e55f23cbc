"""Views of a video for rating: the views of each sampled frame, the mean of each second, and the
covers.

They are split into batches, one request each, because a video of one minute has about five hundred
views.
"""

from collections.abc import Iterator

from PIL import Image

from generators.analysis.picture_views import picture_views
from generators.contract.classifier import PictureView
from generators.media.pictures import DecodedPhoto
from generators.video.video_files import DecodedVideo

PORTION = 24
"""Maximum number of views in a batch, unless one frame alone has more."""


def video_view_batches(film: DecodedVideo) -> Iterator[tuple[PictureView, ...]]:
    """Yield the views of a video in batches; none for audio."""
    held: list[PictureView] = []
    for more in _iter_views(film):
        if held and len(held) + len(more) > PORTION:
            yield tuple(held)
            held = []
        held += more
    if held:
        yield tuple(held)


def _iter_views(film: DecodedVideo) -> Iterator[tuple[PictureView, ...]]:
    for number, cover in enumerate(film.covers):
        yield _views_of_frame(f"cover.{number}", cover)
    for frame in film.looked.frames:
        yield _views_of_frame(f"frame.{frame.at_ms}", frame.to_image().convert("RGB"))
    for mean in film.looked.means:
        yield (PictureView(f"mean.{mean.at_ms}", "image/jpeg", mean.data),)


def _views_of_frame(name: str, image: Image.Image) -> tuple[PictureView, ...]:
    seen = picture_views(DecodedPhoto(pixels=image, mime="image/jpeg", sha256=""))
    return tuple(PictureView(f"{name}.{view.name}", view.mime, view.data) for view in seen)
