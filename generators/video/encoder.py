"""Frames that were drawn here as a film: H.264 and AAC in an MP4, what is shown first at its head,
no metadata.

Frames go to FFmpeg in its box as plain pixels. The same frames and sound are the same bytes, on the
same build.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from PIL import Image

from generators.containers.tracks import MediaTracks
from generators.media import ffmpeg
from generators.video import video_files

FRAME_RATE = video_files.FRAMES_A_SECOND
"""Frames a second of what is written; of fewer, some are shown twice: several places refuse slower
films."""

_SLOWEST = 20.0
_GRACE = 120.0
"""Seconds of work for a second of film, on top of a grace: drawing and encoding, on a busy
machine."""

_CRF = "20"
FADE_OUT_SECONDS = 0.6
"""Seconds in which the sound fades out."""

ReportProgress = Callable[[int, int], None]
"""What is called with the frames that are drawn and those there will be; what it raises ends the
making."""


@dataclass(frozen=True)
class EncodingPlan:
    """What is written: even sizes in pixels, `count` frames at `rate` a second; `sound` is a
    file and what is in it, repeated where `repeats`, and ends with the film; without one it is
    silent."""

    width: int
    height: int
    count: int
    rate: float = FRAME_RATE
    sound: tuple[bytes, MediaTracks] | None = field(default=None, repr=False)
    repeats: bool = True

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.count / self.rate


def encode_video(
    frames: Iterable[Image.Image],
    reel: EncodingPlan,
    *,
    name: str,
    told: ReportProgress = lambda _done, _all: None,
) -> bytes:
    """The film of these frames, RGB of the reel's size.

    Raises BadInput `film.…` for a sound that cannot be used, Unavailable without the encoder or
    disk.
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
    one_by_one = (
        "-threads",
        "1",
    )  # of several, the timing would decide what the rate leaves to which frame
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
    """Return the arguments that read the sound, or silence, and those that fade it out at the
    end."""
    if reel.sound is None:
        return ("-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo"), ()
    again = ("-stream_loop", "-1") if reel.repeats else ()
    start = max(0.0, reel.seconds - FADE_OUT_SECONDS)
    ends = ("-af", f"apad,afade=t=out:st={start:.3f}:d={FADE_OUT_SECONDS}")
    return (*again, *ffmpeg.input_arguments("sound", reel.sound[1].demuxer)), ends


def _rate_arguments(seconds: float) -> tuple[str, ...]:
    """Return the arguments that keep a film of `seconds` under the largest size of a file."""
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
