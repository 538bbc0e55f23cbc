"""The views of a film that are rated: every frame that is looked at, as a picture is, the mean of each second, covers.

They come in portions, each a question of its own: a film of a minute has some five hundred views.
"""

from collections.abc import Iterator

from PIL import Image

from generators.classifying import View
from generators.films import Film
from generators.media import Photo
from generators.views import views

PORTION = 24
"""Views of one question, at most, but for the last frame's own."""


def portions(film: Film) -> Iterator[tuple[View, ...]]:
    """Every view of a film, some at a time; none of a sound."""
    held: list[View] = []
    for more in _all(film):
        if held and len(held) + len(more) > PORTION:
            yield tuple(held)
            held = []
        held += more
    if held:
        yield tuple(held)


def _all(film: Film) -> Iterator[tuple[View, ...]]:
    for number, cover in enumerate(film.covers):
        yield _named(f"cover.{number}", cover)
    for frame in film.looked.frames:
        yield _named(f"frame.{frame.at_ms}", frame.open().convert("RGB"))
    for mean in film.looked.means:
        yield (View(f"mean.{mean.at_ms}", "image/jpeg", mean.data),)


def _named(name: str, image: Image.Image) -> tuple[View, ...]:
    seen = views(Photo(pixels=image, mime="image/jpeg", sha256=""))
    return tuple(View(f"{name}.{view.name}", view.mime, view.data) for view in seen)
