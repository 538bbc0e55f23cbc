"""Sampling of a video's frames for review, and the mean of each second.

The sampled frames are at least two per second, the first, the last, and each frame that differs
from the last sampled one, as a whole or in one cell of a grid. This catches flashes and slow
changes. The mean of a second shows in one picture what was visible during it. All frames are
decoded from the bytes that are published.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from foundation.errors import BadInput
from generators.containers.tracks import MediaTracks
from generators.media import ffmpeg

APART = 0.5
"""Maximum number of seconds between two sampled frames."""

WHOLE_CUT = 12.0
PLACE_CUT = 64.0
"""Differences in grey levels from which a frame is sampled: the average of the frame, and that of
one of its `PLACES`."""

PLACES = 8, 8
"""Number of rows and columns of the grid in which frames are compared."""

MAX_FRAMES = 2_400
SMALL = 256
"""Length in pixels of the longer edge at which frames are compared and averaged. It is a multiple
of the grid."""

_QUALITY = 90
_Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class VideoFrame:
    """A frame of a video: its time in milliseconds, and a JPEG."""

    at_ms: int
    data: bytes = field(repr=False)

    def to_image(self) -> Image.Image:
        """Return the picture."""
        return Image.open(io.BytesIO(self.data), formats=("JPEG",))

    def to_small_image(self, edge: int) -> Image.Image:
        """Return the picture, decoded at a reduced size not below `edge` pixels."""
        image = self.to_image()
        image.draft("RGB", (edge, edge))
        return image.convert("RGB")


@dataclass(frozen=True)
class SampledFrames:
    """Sampled frames at full size, in order, and the mean of each second; empty for audio. `total`
    is the number of frames in the video."""

    frames: tuple[VideoFrame, ...] = ()
    means: tuple[VideoFrame, ...] = ()
    total: int = 0


def sample_frames(folder: Path, film: MediaTracks, *, name: str, seconds: float) -> SampledFrames:
    """Sample the video `out` in the folder, in two passes of at most `seconds` each.

    Raises BadInput `film.too_busy` if more frames change than anyone can review, `film.corrupt`,
    `film.too_slow`.
    """
    wide, high = _comparison_size(film.width, film.height)
    opened = (*ffmpeg.input_arguments("out", "mov"), "-map", "0:v:0", "-fps_mode", "passthrough")
    plain = (
        "-vf",
        f"scale={wide}:{high}:flags=area",
        "-pix_fmt",
        "rgb24",
        "-f",
        "rawvideo",
        "pipe:1",
    )
    choice = _Choice(film.rate or 1.0)
    with ffmpeg.read_output((*opened, *plain), folder=folder, seconds=seconds, name=name) as out:
        while len(raw := out.read(wide * high * 3)) == wide * high * 3:
            choice.see(np.frombuffer(raw, np.uint8).reshape(high, wide, 3))
    numbers = choice.ended()
    if not numbers:
        raise BadInput("film.corrupt", file=name)
    if len(numbers) > MAX_FRAMES:
        raise BadInput("film.too_busy", file=name)
    picked = (
        "-vf",
        f"select='{_frame_selector(numbers)}'",
        "-c:v",
        "mjpeg",
        "-q:v",
        "3",
        "-pix_fmt",
        "yuvj420p",
        "-f",
        "image2",
    )
    ffmpeg.run_ffmpeg((*opened, *picked, "f%06d.jpg"), folder=folder, seconds=seconds, name=name)
    files = sorted(folder.glob("f*.jpg"))
    if len(files) != len(numbers):
        raise BadInput("film.corrupt", file=name)
    times = [round(number * 1000 / choice.rate) for number in numbers]
    shown = tuple(VideoFrame(at, file.read_bytes()) for at, file in zip(times, files, strict=True))
    return SampledFrames(shown, tuple(choice.means), choice.count)


def _frame_selector(numbers: Sequence[int]) -> str:
    """Return FFmpeg's expression that selects these frames. It is a binary search, because FFmpeg
    nests at most 100 levels."""
    if len(numbers) == 1:
        return f"eq(n,{numbers[0]})"
    half = len(numbers) // 2
    return (
        f"if(lt(n,{numbers[half]}),{_frame_selector(numbers[:half])},"
        f"{_frame_selector(numbers[half:])})"
    )


def _comparison_size(width: int, height: int) -> tuple[int, int]:
    """Return the size at which frames are compared. It has the video's proportions as far as the
    grid allows."""
    rows, columns = PLACES
    share = SMALL / max(width, height, 1)
    return max(1, round(width * share / columns)) * columns, max(
        1, round(height * share / rows)
    ) * rows


class _Choice:
    """Chooses frames to sample from small frames, and computes the mean of each second."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.count = 0
        self.means: list[VideoFrame] = []
        self._numbers: list[int] = []
        self._last: NDArray[np.float32] | None = None
        self._sum: NDArray[np.uint32] | None = None
        self._summed = 0
        self._second = 0

    def see(self, pixels: _Pixels) -> None:
        """Process the next frame."""
        places = _mean_colours(pixels)
        late = bool(self._numbers) and self.count + 1 - self._numbers[-1] > APART * self.rate
        if self._last is None or late or _is_scene_cut(self._last, places):
            self._numbers.append(self.count)
            self._last = places
        if int(self.count / self.rate) != self._second:
            self._add_mean_frame()
            self._second = int(self.count / self.rate)
        self._sum = pixels.astype(np.uint32) if self._sum is None else self._sum + pixels
        self._summed += 1
        self.count += 1

    def _add_mean_frame(self) -> None:
        if self._sum is not None:
            image = Image.fromarray((self._sum // self._summed).astype(np.uint8), "RGB")
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
            self.means.append(VideoFrame(self._second * 1000, buffer.getvalue()))
        self._sum = None
        self._summed = 0

    def ended(self) -> list[int]:
        """Return the numbers of the sampled frames, including the last one."""
        self._add_mean_frame()
        return sorted({*self._numbers, self.count - 1}) if self.count else []


def _mean_colours(pixels: _Pixels) -> NDArray[np.float32]:
    """Return the mean colour of each cell of the grid."""
    rows, columns = PLACES
    high, wide, _ = pixels.shape
    grid = pixels.reshape(rows, high // rows, columns, wide // columns, 3)
    return np.asarray(grid.mean(axis=(1, 3)), dtype=np.float32)


def _is_scene_cut(last: NDArray[np.float32], now: NDArray[np.float32]) -> bool:
    apart = np.abs(last - now).mean(axis=2)
    return bool(apart.mean() > WHOLE_CUT or apart.max() > PLACE_CUT)
