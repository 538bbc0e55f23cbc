"""Videos and audio: safely decoded, re-encoded as MP4 (H.264, AAC) or M4A, and sampled for review.

Published files contain one picture track and one sound track from our encoder, without metadata,
covers, subtitles or captions between frames. Such data of an upload is reviewed and then dropped.
Order: `decode_video` → `content_credentials.sign_media` last → hash. The size limit comes from the
strictest platform, which accepts 25 MiB.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from foundation.errors import BadInput, Unavailable
from foundation.ops.clock import wall_now
from generators.containers import animated_images, mp4, ogg, webm
from generators.containers.tracks import MAX_MEDIA_BYTES, MAX_SECONDS, MediaTracks
from generators.media import ffmpeg, perceptual_hashes, pictures
from generators.media.colors import TONE_MAP
from generators.video import frames, subtitles
from generators.video.frames import SampledFrames

LOUDNESS_POINTS = 96
RATE = 4000
"""Number of loudness values, and samples per second at which loudness is measured."""


def measure_loudness(folder: Path, *, name: str, seconds: float) -> tuple[float, ...]:
    """Return the loudness of the file `out` in the folder at `LOUDNESS_POINTS` points, from 0 to 1,
    relative to the maximum."""
    plain = ("-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "pipe:1")
    with ffmpeg.read_output(
        (*ffmpeg.input_arguments("out", "mov"), *plain), folder=folder, seconds=seconds, name=name
    ) as out:
        samples = np.frombuffer(out.read(), dtype="<i2").astype(np.float32)
    if not samples.size:
        return ()
    power = [
        float(np.sqrt((part**2).mean()))
        for part in np.array_split(samples, LOUDNESS_POINTS)
        if part.size
    ]
    most = max(power) or 1.0
    return tuple(one / most for one in power)


MediaMime = Literal["video/mp4", "audio/mp4"]
VIDEO_KIND = "film"
AUDIO_KIND = "sound"
MAX_EDGE = 1280
FRAMES_A_SECOND = 30
"""Limits of published videos: the length of the longer edge in pixels, and the number of frames per
second."""

MAX_BYTES = 23_000_000
MAX_RATE = 4_000_000
SOUND_RATE = 128_000
"""Maximum size of a video in bytes, and maximum bit rates of its picture and its sound."""

SLOWEST = 4.0
GRACE = 120.0
MAX_WAIT = 900.0
"""Time limit in seconds: `SLOWEST` for each second of video, plus `GRACE`, at most `MAX_WAIT`."""

LEFT_BEHIND = 2 * 3600.0
"""Age in seconds after which an untouched folder counts as left behind by a dead process; no video
takes that long."""

ALIKE = 14
"""Maximum distance in bits between the hashes of a cover and of a frame that it may show."""

_FOLDER = "greenroom-film-"
_WIDE = "iw*max(sar,1)"
_HIGH = "ih/min(sar,1)"
_SHARE = f"min(1,{MAX_EDGE}/max({_WIDE},{_HIGH}))"
_SQUARE_PIXELS = (
    f"scale=w='max(2,2*trunc({_WIDE}*{_SHARE}/2+0.01))':h='max(2,2*trunc({_HIGH}*{_SHARE}/2+0.01))',"
    "setsar=1"
)
"""Filter that makes pixels square, by enlarging the shorter side of a pixel, and limits the size.
FFmpeg has rotated the frame before, and its sample aspect ratio with it."""

_WHITE_BACKGROUND = (
    "format={pixels},split[front][back];[back]drawbox=c=white:t=fill:replace=1[back];"
    "[back][front]overlay=format={blended}:shortest=1"
)
"""Filter that lays a transparent frame on white, as pictures are (`pictures.PAPER`)."""

_EIGHT_BITS = "scale=out_range=tv,format=yuv420p"
_HDR_TO_SDR = (
    "setparams=color_primaries={primaries}:color_trc={transfer}:colorspace={matrix}:range={range},"
    f"{TONE_MAP}:m=709:r=limited,format=yuv420p"
)
_FRAME_FACTS = re.compile(
    r" fmt:(?P<pixels>\w+) (?s:.*?)color_range:(?P<range>\w+) color_space:(?P<matrix>\S+)"
    r" color_primaries:(?P<primaries>\S+) color_trc:(?P<transfer>\S+)"
)
"""Pattern of the output of `showinfo` for a frame."""

_HDR_TRANSFERS = ("smpte2084", "arib-std-b67")
"""PQ and HLG (Rec. ITU-R BT.2100)."""

_CLEAR_PIXELS = re.compile(r"yuva|gbrap|rgba|bgra|argb|abgr|ya8|ya16|ayuv|vuya|pal8")
NO_METADATA_ARGUMENTS = (
    "-map_metadata",
    "-1",
    "-map_chapters",
    "-1",
    "-sn",
    "-dn",
    "-fflags",
    "+bitexact",
    "-flags",
    "+bitexact",
)
AUDIO_ARGUMENTS = (
    "-c:a",
    "aac",
    "-b:a",
    str(SOUND_RATE),
    "-ar",
    "48000",
    "-ac",
    "2",
    "-flags:a",
    "+bitexact",
)


@dataclass(frozen=True)
class DecodedVideo:
    """A video or audio as it will be published, with all data for its review: frames, sound, and
    parts of the upload.

    `sha256` is the digest of the upload, `words` are its subtitles, and `covers` are its embedded
    pictures.
    """

    data: bytes = field(repr=False)
    mime: MediaMime
    sha256: str
    seconds: float
    width: int
    height: int
    looked: SampledFrames = field(repr=False)
    heard: bytes | None = field(default=None, repr=False)
    """The sound as an M4A file."""
    loudness: tuple[float, ...] = field(default=(), repr=False)
    """The loudness of audio from start to end, from 0 to 1."""
    words: tuple[str, ...] = field(default=(), repr=False)
    covers: tuple[Image.Image, ...] = field(default=(), repr=False)
    hidden_cover: bool = False
    taken: datetime | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, 0 for audio."""
        return self.width, self.height


def is_video_or_audio(data: bytes) -> bool:
    """Return True if a file is a video or audio and not a picture."""
    return (
        data[:4] in (b"\x1a\x45\xdf\xa3", b"OggS")
        or mp4.is_movie(data)
        or animated_images.has_second_frame(data)
    )


def inspect_video(data: bytes, *, name: str) -> MediaTracks:
    """Return the tracks of a file from its structure alone. Raises BadInput
    (generators/containers/tracks.py)."""
    if len(data) > MAX_MEDIA_BYTES:
        raise BadInput("film.too_heavy", file=name)
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return webm.inspect_webm(data, name=name)
    if data[:4] == b"OggS":
        return ogg.inspect_ogg(data, name=name)
    if mp4.is_movie(data):
        return mp4.inspect_mp4(data, name=name)
    if animated_images.is_animation_format(data):
        return animated_images.inspect_animation(data, name=name)
    raise BadInput("film.unsupported", file=name)


def decode_video(data: bytes, *, name: str) -> DecodedVideo:
    """Decode and re-encode an upload by its content; its name is ignored.

    Raises BadInput `film.…` (generators/containers/tracks.py) with `file`, and Unavailable if the
    disk is full.
    """
    tracks = inspect_video(data, name=name)
    covers = tuple(_decode_cover(cover, name) for cover in tracks.covers)
    with work_folder() as folder:
        (folder / "in").write_bytes(tracks.own)
        words = subtitles.read_subtitles(folder, tracks, name=name, seconds=GRACE)
        made_anew = _encode_video(folder, tracks, name)
        found = _sample_encoded(made_anew, name=name, folder=folder)
    return replace(
        found,
        sha256=hashlib.sha256(data).hexdigest(),
        words=words,
        covers=covers,
        hidden_cover=any(not _is_cover_in_frames(cover, found.looked) for cover in covers),
        taken=tracks.taken,
    )


def reopen_video(data: bytes, *, name: str) -> DecodedVideo:
    """Sample a video made by `decode_video` again, without re-encoding it. Raises BadInput for any
    other file."""
    with work_folder() as folder:
        (folder / "out").write_bytes(data)
        return _sample_encoded(data, name=name, folder=folder)


@contextmanager
def work_folder() -> Iterator[Path]:
    """Yield a temporary folder that is deleted afterwards. Raises Unavailable if it cannot be
    created or the disk is full."""
    try:
        _remove_stale_folders(Path(tempfile.gettempdir()))
        with tempfile.TemporaryDirectory(prefix=_FOLDER) as folder:
            yield Path(folder)
    except OSError as error:
        raise Unavailable("storage.unwritable", detail=error.strerror or "?") from error


def _remove_stale_folders(place: Path) -> None:
    """Delete folders of killed processes, which contain uploaded videos."""
    for old in place.glob(f"{_FOLDER}*"):
        with suppress(FileNotFoundError):
            if wall_now().timestamp() - old.lstat().st_mtime > LEFT_BEHIND:
                shutil.rmtree(old, ignore_errors=True)


def _encode_video(folder: Path, tracks: MediaTracks, name: str) -> bytes:
    """Return the video as it will be published."""
    expected = tracks.seconds or float(MAX_SECONDS)  # Recordings by browsers contain no duration.
    kind: Sequence[str] = ("-vn", "-map", f"0:a:{tracks.default_sound}", "-f", "ipod")
    if tracks.video:
        rate = min(MAX_RATE, int(MAX_BYTES * 8 / max(expected, 1.0)) - SOUND_RATE)
        picture = (
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-crf",
            "23",
            "-profile:v",
            "high",
            "-pix_fmt",
            "yuv420p",
        )
        rates = (
            "-maxrate",
            str(rate),
            "-bufsize",
            str(2 * rate),
            "-fps_mode",
            "cfr",
            "-fpsmax",
            str(FRAMES_A_SECOND),
        )
        both = (
            "-map",
            "0:V:0",
            "-map",
            f"0:a:{tracks.default_sound}?",
            "-vf",
            _picture_filter(folder, tracks, name),
            "-a53cc",
            "0",
            "-flags:v",
            "+bitexact",
        )
        kind = (*both, *picture, *rates, "-movflags", "+faststart", "-f", "mp4")
    limit = min(MAX_WAIT, GRACE + SLOWEST * expected)
    arguments = (
        *_input_arguments(tracks),
        *NO_METADATA_ARGUMENTS,
        "-t",
        str(MAX_SECONDS + 1),
        *AUDIO_ARGUMENTS,
        *kind,
        "out",
    )
    ffmpeg.run_ffmpeg(arguments, folder=folder, seconds=limit, name=name)
    return (folder / "out").read_bytes()


def _picture_filter(folder: Path, tracks: MediaTracks, name: str) -> str:
    """Return the filter that lays frames on white, makes pixels square and converts colours to SDR
    with eight bits."""
    if not (tracks.may_be_hdr or tracks.may_be_clear):
        return f"{_SQUARE_PIXELS},{_EIGHT_BITS}"
    first = ("-map", "0:V:0", "-frames:v", "1", "-vf", "showinfo", "-f", "null", "pipe:1")
    opened = ("-loglevel", "info", *_input_arguments(tracks))
    ffmpeg.run_ffmpeg((*opened, *first), folder=folder, seconds=GRACE, name=name)
    found = _FRAME_FACTS.search(ffmpeg.read_log(folder))
    if found is None:
        raise BadInput("film.corrupt", file=name)
    is_hdr = found["transfer"] in _HDR_TRANSFERS
    steps = list[str]()
    if tracks.may_be_clear or _CLEAR_PIXELS.match(found["pixels"]):
        pixels, blended = ("yuva444p10le", "yuv444p10") if is_hdr else ("gbrap", "gbrp")
        steps.append(_WHITE_BACKGROUND.format(pixels=pixels, blended=blended))
    # Hidden colours would show at edges if the frame were scaled before it lies on white.
    steps += [_SQUARE_PIXELS, _tone_map_filter(found) if is_hdr else _EIGHT_BITS]
    return ",".join(steps)


def _tone_map_filter(facts: re.Match[str]) -> str:
    """Return the filter from HDR to SDR; what the file leaves open is as in BT.2100."""
    usual = {"primaries": "bt2020", "matrix": "bt2020nc", "range": "tv"}
    stated = {
        key: usual[key] if facts[key] in ("unknown", "unspecified", "reserved") else facts[key]
        for key in usual
    }
    return _HDR_TO_SDR.format(transfer=facts["transfer"], **stated)


def _input_arguments(tracks: MediaTracks) -> tuple[str, ...]:
    """Return the arguments that open the upload, with the decoder that reads its transparency."""
    decoder = ("-c:v", tracks.clear_decoder) if tracks.clear_decoder else ()
    return (*decoder, *ffmpeg.input_arguments("in", tracks.demuxer))


def _sample_encoded(data: bytes, *, name: str, folder: Path) -> DecodedVideo:
    """Return the encoded video, stored as `out` in the folder, with its samples for review."""
    own = mp4.inspect_mp4(data, name=name)
    if own.texts or own.covers:
        raise BadInput("film.corrupt", file=name)
    limit = min(MAX_WAIT, GRACE + SLOWEST * own.seconds)
    size = (own.width, own.height)
    digest = hashlib.sha256(data).hexdigest()
    if not own.video:
        loud = measure_loudness(folder, name=name, seconds=limit)
        return DecodedVideo(
            data, "audio/mp4", digest, own.seconds, *size, SampledFrames(), data, loud
        )
    looked = frames.sample_frames(folder, own, name=name, seconds=limit)
    heard = _extract_sound(folder, name, limit) if own.sound else None
    return DecodedVideo(data, "video/mp4", digest, own.seconds, *size, looked, heard)


def _extract_sound(folder: Path, name: str, limit: float) -> bytes:
    """Return the sound of the video without re-encoding."""
    kept = ("-map", "0:a:0", "-c:a", "copy", *NO_METADATA_ARGUMENTS, "-f", "ipod", "sound")
    ffmpeg.run_ffmpeg(
        (*ffmpeg.input_arguments("out", "mov"), *kept), folder=folder, seconds=limit, name=name
    )
    return (folder / "sound").read_bytes()


def _decode_cover(data: bytes, name: str) -> Image.Image:
    try:
        return pictures.flatten_on(pictures.decode_photo(data, name=name).pixels, pictures.PAPER)
    except BadInput as error:  # A cover that cannot be reviewed must not pass unseen.
        raise BadInput("film.attached", file=name) from error


def _is_cover_in_frames(cover: Image.Image, looked: SampledFrames) -> bool:
    """Return True if a cover shows one of the frames."""
    own = perceptual_hashes.dhash(cover)
    return any(
        perceptual_hashes.hamming_distance(own, perceptual_hashes.dhash(frame.to_image())) <= ALIKE
        for frame in looked.frames
    )
