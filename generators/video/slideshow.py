"""Slideshow clips: stills with slow motion, joined by cuts or fades, with captions and a sound.

Every frame is drawn here and passed to a confined FFmpeg as raw pixels. Positions are fractions of
pixels, so that a slow zoom does not jitter, and arguments never contain text written by users. The
same stills, captions, sound and seed give the same bytes on the same build of FFmpeg and Pillow.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from PIL import Image, ImageFilter

from foundation.errors import BadInput
from generators.containers.tracks import MediaTracks
from generators.retouch import crops, text_overlay
from generators.video import encoder, video_files
from generators.video.encoder import FRAME_RATE, EncodingPlan, ReportProgress

MIN_STILL_SECONDS = 1.0
MAX_STILL_SECONDS = 15.0
"""Limits on the number of seconds for which a still is shown."""

MAX_STILLS = 30
MAX_SECONDS = 90.0
"""Maximum length of a clip in seconds. The strictest platforms for clips accept 60 to 90 seconds.
"""

FADE = 0.5
"""Duration of a crossfade in seconds, half of it in each of the two stills."""

DEPTH = 0.14
"""Share of the width or height by which a still is moved or zoomed."""

NAME = "clip"


class ClipForm(StrEnum):
    """The shape of a clip: upright for stories and shorts, square for feeds, wide for videos."""

    UPRIGHT = "9:16"
    SQUARE = "1:1"
    WIDE = "16:9"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, within the limit of published videos
        (`video_files.MAX_EDGE`)."""
        return {
            ClipForm.UPRIGHT: (720, 1280),
            ClipForm.SQUARE: (1080, 1080),
            ClipForm.WIDE: (1280, 720),
        }[self]


class StillMotion(StrEnum):
    """The motion of a still. `auto` is chosen by the seed and never equals the previous motion."""

    AUTO = "auto"
    STILL = "still"
    IN = "in"
    OUT = "out"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"


CHOSEN = (
    StillMotion.IN,
    StillMotion.OUT,
    StillMotion.LEFT,
    StillMotion.RIGHT,
    StillMotion.UP,
    StillMotion.DOWN,
)
"""The motions among which `auto` chooses."""


@dataclass(frozen=True)
class StillPicture:
    """A still of a clip, upright in RGB, with its duration in seconds and its caption."""

    pixels: Image.Image = field(repr=False)
    seconds: float = 3.0
    motion: StillMotion = StillMotion.AUTO
    caption: str = ""


@dataclass(frozen=True)
class SlideshowPlan:
    """The content of a clip.

    `whole` shows each still uncropped on a blurred background, and `fades` replaces cuts with
    crossfades. `sound` is a file with audio, repeated until the end of the clip; without it the
    clip is silent. A `spoken` sound is played once and completely; the stills are shown longer if
    necessary.
    """

    stills: Sequence[StillPicture]
    form: ClipForm = ClipForm.UPRIGHT
    seed: int = 0
    fades: bool = True
    whole: bool = False
    sound: bytes | None = field(default=None, repr=False)
    spoken: bool = False


def slideshow_seconds(shown: Sequence[float]) -> float:
    """Return the length of a clip of stills shown for these seconds. Fades do not change it,
    because they take place within the time of both stills."""
    return sum(_frame_count(one) for one in shown) / FRAME_RATE


def check_slideshow(shown: Sequence[tuple[float, str]], form: ClipForm) -> None:
    """Raise BadInput `clip.…` for an invalid clip, given the seconds and captions of its stills:
    too many stills, too long, or letters that the font lacks."""
    if not 1 <= len(shown) <= MAX_STILLS:
        raise BadInput("clip.stills", most=MAX_STILLS)
    if any(not MIN_STILL_SECONDS <= seconds <= MAX_STILL_SECONDS for seconds, _ in shown):
        raise BadInput("clip.seconds", least=int(MIN_STILL_SECONDS), most=int(MAX_STILL_SECONDS))
    if slideshow_seconds([seconds for seconds, _ in shown]) > MAX_SECONDS:
        raise BadInput("clip.too_long", most=int(MAX_SECONDS))
    for _, caption in shown:
        text_overlay.check_text_overlay(caption, form.size)


def render_slideshow(
    cut: SlideshowPlan, *, told: ReportProgress = lambda _done, _all: None
) -> bytes:
    """Return the clip as MP4: H.264 and AAC, 30 frames per second, with its index at the start and
    without metadata.

    Raises BadInput `clip.…` like `check_slideshow`, `film.…` for an unusable sound, and Unavailable
    if the font, the encoder or disk space is missing.
    """
    check_slideshow([(one.seconds, one.caption) for one in cut.stills], cut.form)
    sound = (cut.sound, _inspect_sound(cut.sound)) if cut.sound is not None else None
    if sound is not None and cut.spoken:
        cut = _extend_to_length(cut, sound[1].seconds + encoder.FADE_OUT_SECONDS)
    count = sum(_frame_count(one.seconds) for one in cut.stills)
    reel = EncodingPlan(*cut.form.size, count, sound=sound, repeats=not cut.spoken)
    return encoder.encode_video(_iter_frames(cut), reel, name=NAME, told=told)


def _extend_to_length(cut: SlideshowPlan, seconds: float) -> SlideshowPlan:
    """Return the clip extended to at least `seconds`, in proportion to its stills. Raises BadInput
    above the maximum length."""
    share = seconds / sum(one.seconds for one in cut.stills)
    if share <= 1:
        return cut
    if seconds > MAX_SECONDS:
        raise BadInput("clip.voice_long", most=int(MAX_SECONDS))
    return replace(cut, stills=[replace(one, seconds=one.seconds * share) for one in cut.stills])


def _inspect_sound(data: bytes) -> MediaTracks:
    found = video_files.inspect_video(data, name=NAME)
    if not found.sound:
        raise BadInput("clip.no_sound")
    return found


def _frame_count(seconds: float) -> int:
    return max(1, round(seconds * FRAME_RATE))


def _iter_frames(cut: SlideshowPlan) -> Iterator[Image.Image]:
    """Yield all frames. Half of a fade is at the end of one still, and half at the start of the
    next.

    Each still continues to move during its fades.
    """
    around = round(FADE * FRAME_RATE / 2) if cut.fades else 0
    shown = [
        _Shown(one, motion, cut, around)
        for one, motion in zip(cut.stills, chosen_motions(cut), strict=True)
    ]
    for number, one in enumerate(shown):
        before = shown[number - 1] if number else None
        after = shown[number + 1] if number + 1 < len(shown) else None
        for at in range(one.count):
            frame = one.frame(at)
            if before is not None and at < around:
                frame = Image.blend(
                    before.frame(before.count + at), frame, (around + at + 0.5) / (2 * around)
                )
            elif after is not None and (left := one.count - at) <= around:
                frame = Image.blend(frame, after.frame(-left), (around - left + 0.5) / (2 * around))
            yield frame


def chosen_motions(cut: SlideshowPlan) -> list[StillMotion]:
    """Return the motion of each still, as requested or chosen by the seed; an `auto` motion never
    equals the previous one."""
    found: list[StillMotion] = []
    for number, one in enumerate(cut.stills):
        if one.motion is not StillMotion.AUTO:
            found.append(one.motion)
            continue
        left = [each for each in CHOSEN if not found or each is not found[-1]]
        digest = hashlib.sha256(f"{cut.seed}:{number}".encode()).digest()
        found.append(left[int.from_bytes(digest[:4]) % len(left)])
    return found


class _Shown:
    """A still of a clip; `frame` draws it at any moment, including the fades before
    and after it."""

    def __init__(
        self, still: StillPicture, motion: StillMotion, cut: SlideshowPlan, around: int
    ) -> None:
        self.count = _frame_count(still.seconds)
        self._motion = motion
        self._around = around
        self._size = cut.form.size
        self._ground = _build_background(still.pixels, self._size, whole=cut.whole)
        self._words = (
            text_overlay.draw_text_overlay(still.caption, self._size)
            if still.caption.strip()
            else None
        )

    def frame(self, at: int) -> Image.Image:
        """Return the frame of this number, from a fade before 0 to a fade after the last."""
        share = (at + self._around) / max(1, self.count + 2 * self._around - 1)
        drawn = self._ground.resize(
            self._size, Image.Resampling.BICUBIC, box=self._visible_window(_ease(share))
        )
        if self._words is not None:
            drawn.paste(self._words, (0, 0), self._words)
        return drawn

    def _visible_window(self, share: float) -> tuple[float, float, float, float]:
        """Return the visible part of the background: left, top, right, bottom, in fractional
        pixels."""
        wide, high = self._ground.size
        if self._motion is StillMotion.STILL:
            zoom = 1.0
        elif self._motion in (StillMotion.IN, StillMotion.OUT):
            zoom = 1 - DEPTH * (share if self._motion is StillMotion.IN else 1 - share)
        else:
            zoom = 1 - DEPTH
        width = wide * zoom
        height = high * zoom
        way = share if self._motion in (StillMotion.RIGHT, StillMotion.DOWN) else 1 - share
        left = (wide - width) * (
            way if self._motion in (StillMotion.LEFT, StillMotion.RIGHT) else 0.5
        )
        top = (high - height) * (way if self._motion in (StillMotion.UP, StillMotion.DOWN) else 0.5)
        return left, top, left + width, top + height


def _ease(share: float) -> float:
    """Return the progress with easing: slow at both ends, but never standing still."""
    smooth = share * share * (3 - 2 * share)
    return min(max(0.5 * share + 0.5 * smooth, 0.0), 1.0)


def _build_background(pixels: Image.Image, size: tuple[int, int], *, whole: bool) -> Image.Image:
    """Return the still in the clip's aspect ratio, a little larger than the clip, so that motion
    does not enlarge it beyond its pixels."""
    large = (round(size[0] * (1 + DEPTH)), round(size[1] * (1 + DEPTH)))
    filled = _resize_to_cover(pixels, large)
    if not whole:
        return filled
    small = (max(1, large[0] // 8), max(1, large[1] // 8))  # A blur this wide needs no more pixels.
    ground = (
        filled.resize(small)
        .filter(ImageFilter.GaussianBlur(6))
        .point([round(each * 0.6) for each in range(256)] * 3)
    )
    ground = ground.resize(large, Image.Resampling.BICUBIC)
    # Completely visible during any motion.
    share = min(large[0] / pixels.width, large[1] / pixels.height) * (1 - DEPTH)
    fitted = pixels.resize(
        (max(1, round(pixels.width * share)), max(1, round(pixels.height * share))),
        Image.Resampling.LANCZOS,
    )
    ground.paste(fitted, ((large[0] - fitted.width) // 2, (large[1] - fitted.height) // 2))
    return ground


def _resize_to_cover(pixels: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the part of a picture around its subject, resized to fill this size."""
    return pixels.resize(size, Image.Resampling.LANCZOS, box=crops.fill_window(pixels, size))
