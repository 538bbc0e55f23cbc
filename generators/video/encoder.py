"""Encoding of drawn frames as a video: H.264 and AAC in an MP4, with its index at the start and
without metadata.

Frames are passed to a confined FFmpeg as raw pixels. The same frames and sound give the same bytes
on the same build.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from PIL import Image

from generators.containers.tracks import MediaTracks
from generators.media import ffmpeg
from generators.video import video_files

FRAME_RATE = video_files.FRAMES_A_SECOND
"""Frames per second of the output; lower rates repeat frames, because several platforms refuse
slower videos."""

_SLOWEST = 20.0
_GRACE = 120.0
"""Time limit in seconds for drawing and encoding on a busy machine: `_SLOWEST` for each second of
video, plus `_GRACE`."""

_CRF = "20"
FADE_OUT_SECONDS = 0.6
"""Duration in seconds of the fade-out of the sound."""

ReportProgress = Callable[[int, int], None]
"""Called with the number of drawn frames and the total number. An exception stops the encoding."""


@dataclass(frozen=True)
class EncodingPlan:
    """The video to encode: even edges in pixels, and `count` frames at `rate` per second.

    `sound` is a file and its tracks; it ends with the video and is repeated until then if `repeats`
    is set. Without it, the video is silent.
    """

    width: int
    height: int
    count: int
    rate: float = FRAME_RATE
    sound: tuple[bytes, MediaTracks] | None = field(default=None, repr=False)
    repeats: bool = True

    @property
    def seconds(self) -> float:
        """The duration in seconds."""
        return self.count / self.rate


def encode_video(
    frames: Iterable[Image.Image],
    reel: EncodingPlan,
    *,
    name: str,
    told: ReportProgress = lambda _done, _all: None,
) -> bytes:
    """Return the video of these RGB frames.

    Raises BadInput `film.…` for an unusable sound, and Unavailable if the encoder is missing or the
    disk is full.
    """
    with video_files.work_folder() as folder:
        if reel.sound is not None:
            (folder / "sound").write_bytes(reel.sound[0])
        limit = _GRACE + _SLOWEST * reel.seconds
        with ffmpeg.write_input(
            _encoder_arguments(reel), folder=folder, seconds=limit, name=name
        ) as film:
            for number, frame in enumerate(frames):
                told(number, reel.count)
                film.write(frame.tobytes())
        return (folder / "out").read_bytes()


def _encoder_arguments(reel: EncodingPlan) -> tuple[str, ...]:
    size = f"{reel.width}x{reel.height}"
    seconds = reel.seconds
    picture = (
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-s",
        size,
        "-r",
        f"{reel.rate:g}",
        "-i",
        "pipe:0",
    )
    heard, ends = _sound_arguments(reel)
    sound = reel.sound[1].default_sound if reel.sound is not None else 0
    taken = ("-map", "0:v:0", "-map", f"1:a:{sound}", "-t", f"{seconds:.3f}")
    coded = (
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-crf",
        _CRF,
        "-profile:v",
        "high",
        "-pix_fmt",
        "yuv420p",
    )
    rates = _rate_arguments(seconds)
    even = () if reel.rate == FRAME_RATE else ("-r", str(FRAME_RATE))
    # With several threads, timing would decide how the bit rate is distributed.
    one_by_one = ("-threads", "1")
    known = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
    colours = ("-vf", f"scale=out_color_matrix=bt709:out_range=tv,{known}")
    out = ("-movflags", "+faststart", "-f", "mp4", "out")
    return (
        *picture,
        *heard,
        *video_files.NO_METADATA_ARGUMENTS,
        *taken,
        *ends,
        *colours,
        *coded,
        *rates,
        *even,
        *one_by_one,
        *video_files.AUDIO_ARGUMENTS,
        *out,
    )


def _sound_arguments(reel: EncodingPlan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the arguments that read the sound, or silence, and those that fade it out."""
    if reel.sound is None:
        return ("-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo"), ()
    again = ("-stream_loop", "-1") if reel.repeats else ()
    start = max(0.0, reel.seconds - FADE_OUT_SECONDS)
    ends = ("-af", f"apad,afade=t=out:st={start:.3f}:d={FADE_OUT_SECONDS}")
    return (*again, *ffmpeg.input_arguments("sound", reel.sound[1].demuxer)), ends


def _rate_arguments(seconds: float) -> tuple[str, ...]:
    """Return the arguments that limit a video of `seconds` to the maximum file size."""
    rate = min(
        video_files.MAX_RATE, int(video_files.MAX_BYTES * 8 / seconds) - video_files.SOUND_RATE
    )
    return (
        "-maxrate",
        str(rate),
        "-bufsize",
        str(2 * rate),
        "-g",
        str(2 * FRAME_RATE),
        "-flags:v",
        "+bitexact",
    )
