"""Pictures in place of a video: a poster, and contact sheets with every sampled frame."""

import io
import math
from collections.abc import Iterator, Sequence

from PIL import Image, ImageDraw

from generators.media import picture_quality
from generators.video.frames import VideoFrame
from generators.video.video_files import DecodedVideo

COLUMNS = 2
ROWS = 6
WIDE = 480
GAP = 6
"""Width of a frame on a sheet, and the gap between frames, in pixels."""

CANDIDATES = 12
"""Number of evenly spaced frames among which the poster is chosen by quality."""

_QUALITY = 85
_PAPER = (24, 24, 27)
_INK = (228, 228, 231)
_CARD = (640, 360)


def make_poster(film: DecodedVideo) -> Image.Image:
    """Return the frame of the best quality among a few candidates; for audio, draw its loudness as
    bars."""
    shown = film.looked.frames
    if not shown:
        return _draw_loudness(film.loudness)
    step = max(1, len(shown) // CANDIDATES)
    best = max(
        shown[::step],
        key=lambda frame: picture_quality.score_quality(
            frame.to_small_image(picture_quality.SCORE_EDGE)
        ),
    )
    return best.to_image().convert("RGB")


def _draw_loudness(loudness: Sequence[float]) -> Image.Image:
    """Draw the loudness of audio as bars, from start to end."""
    card = Image.new("RGB", _CARD, _PAPER)
    pen = ImageDraw.Draw(card)
    (wide, high) = _CARD
    step = wide / max(1, len(loudness))
    for number, level in enumerate(loudness):
        tall = max(2, round(level * high * 0.8))
        left = round(number * step)
        top = (high - tall) // 2
        pen.rectangle((left, top, max(left, round(left + step * 0.6)), top + tall), fill=_INK)
    return card


def encode_frame_sheet(image: Image.Image, *, mark: str) -> bytes:
    """Return a poster or sheet as JPEG. `mark` names the video, so that two videos never share the
    same bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY, optimize=True, exif=b"", comment=mark.encode())
    return buffer.getvalue()


def make_frame_sheets(film: DecodedVideo) -> Iterator[Image.Image]:
    """Yield sheets of twelve sampled frames in order, one at a time because they are large."""
    shown = film.looked.frames
    each = COLUMNS * ROWS
    for first in range(0, len(shown), each):
        yield _draw_sheet(shown[first : first + each])


def _draw_sheet(shown: Sequence[VideoFrame]) -> Image.Image:
    first = shown[0].to_image()
    high = max(1, round(WIDE * first.height / first.width))
    rows = math.ceil(len(shown) / COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (WIDE + GAP) - GAP, rows * (high + GAP) - GAP), _PAPER)
    for number, frame in enumerate(shown):
        row, column = divmod(number, COLUMNS)
        small = frame.to_small_image(WIDE).resize((WIDE, high), Image.Resampling.LANCZOS)
        sheet.paste(small, (column * (WIDE + GAP), row * (high + GAP)))
    return sheet
