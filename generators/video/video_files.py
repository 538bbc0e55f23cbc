"""How loud a sound is, from its beginning to its end: what is drawn where there is no picture.

Films and sound in and out: read safely, made anew as MP4 (H.264, AAC) or M4A, with nothing else in
them.

What leaves is what our own encoder wrote from one picture track and one sound track: no metadata,
no covers, no subtitles, no captions between the frames. What came along beside them is looked at
and left behind. Order: `read` → `content_credentials.sign_media` last → hash. Source of the limits:
the narrowest place of today takes 25 MiB.
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
from generators.containers import animated_images, heif, mp4, ogg, webm
from generators.containers.tracks import MAX_MEDIA_BYTES, MAX_SECONDS, MediaTracks
from generators.media import ffmpeg, perceptual_hashes, pictures
from generators.video import frames, subtitles
from generators.video.frames import SampledFrames

LOUDNESS_POINTS = 96
RATE = 4000
"""Points it is told at, and samples a second it is measured with."""


def measure_loudness(folder: Path, *, name: str, seconds: float) -> tuple[float, ...]:
    """The loudness of the file `out` of the folder at `BARS` points, 0 to 1, the loudest of them
    1."""
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
"""Of what leaves: its longer edge in pixels, and how many frames a second at most."""

MAX_BYTES = 23_000_000
MAX_RATE = 4_000_000
SOUND_RATE = 128_000
"""Bytes of a whole film; bits a second of its picture at most, and of its sound."""

SLOWEST = 4.0
GRACE = 120.0
MAX_WAIT = 900.0
"""Seconds of work for a second of film, on top of a grace, and never more than so many."""

LEFT_BEHIND = 2 * 3600.0
"""Seconds after which a folder nobody touched is one of a process that died; no film takes so
long."""

ALIKE = 14
"""Bits between the hashes of a cover and of a frame it may come from."""

_FOLDER = "greenroom-film-"
_UPRIGHT = (
    "scale=w='iw*max(sar,1)':h=ih,"
    f"scale=w='min({MAX_EDGE},iw)':h='min({MAX_EDGE},"
    "ih)':force_original_aspect_ratio=decrease:force_divisible_by=2,"
    "setsar=1"
)
_EIGHT_BITS = "scale=out_range=tv,format=yuv420p"
_TONE_MAP = (
    "zscale=tin={transfer}:pin=2020:min=2020_ncl:rin={range}:t=linear:npl=100,format=gbrpf32le,"
    "zscale=p=709,tonemap=hable:desat=0:peak=10,zscale=t=709:m=709:r=limited,format=yuv420p"
)
"""From HDR to SDR (https://ffmpeg.org/ffmpeg-filters.html#tonemap): relative to 100 cd/m², what is
brighter than 1,000 cd/m² is white, as phones and cameras record it."""

_HDR = re.compile(r"color_range:(\w+) .*color_trc:(smpte2084|arib-std-b67)")
"""What `showinfo` says of a frame of HDR: PQ and HLG (Rec. ITU-R BT.2100)."""
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
    """A film, or a sound alone, as it leaves, and everything that is looked at before: its frames,
    its sound, what it brought along. `sha256` is that of the file as it came; `words` its
    subtitles; `covers` the pictures beside it."""

    data: bytes = field(repr=False)
    mime: MediaMime
    sha256: str
    seconds: float
    width: int
    height: int
    looked: SampledFrames = field(repr=False)
    heard: bytes | None = field(default=None, repr=False)
    """Its sound as an M4A."""
    loudness: tuple[float, ...] = field(default=(), repr=False)
    """Of a sound alone: how loud it is from its beginning to its end, 0 to 1."""
    words: tuple[str, ...] = field(default=(), repr=False)
    covers: tuple[Image.Image, ...] = field(default=(), repr=False)
    hidden_cover: bool = False
    taken: datetime | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, 0 of a sound."""
        return self.width, self.height


def is_video_or_audio(data: bytes) -> bool:
    """Whether a file is of this kind, rather than a picture."""
    film = data[4:8] == b"ftyp" and not heif.is_heif(data)
    return (
        film or data[:4] in (b"\x1a\x45\xdf\xa3", b"OggS") or animated_images.has_second_frame(data)
    )


def inspect_video(data: bytes, *, name: str) -> MediaTracks:
    """The tracks of a file by its structure alone. Raises BadInput
    (generators/containers/tracks.py)."""
    if len(data) > MAX_MEDIA_BYTES:
        raise BadInput("film.too_heavy", file=name)
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return webm.inspect_webm(data, name=name)
    if data[:4] == b"OggS":
        return ogg.inspect_ogg(data, name=name)
    if data[4:8] == b"ftyp":
        return mp4.inspect_mp4(data, name=name)
    if animated_images.is_animation_format(data):
        return animated_images.inspect_animation(data, name=name)
    raise BadInput("film.unsupported", file=name)


def decode_video(data: bytes, *, name: str) -> DecodedVideo:
    """Take in an upload by its content, never by its name.

    Raises BadInput `film.…` (generators/containers/tracks.py) with `file`, Unavailable when the
    disk is full.
    """
    tracks = inspect_video(data, name=name)
    covers = tuple(_decode_cover(cover, name) for cover in tracks.covers)
    with work_folder() as folder:
        (folder / "in").write_bytes(data)
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
    """What `read` made, looked at again. Raises BadInput for what is nothing of ours."""
    with work_folder() as folder:
        (folder / "out").write_bytes(data)
        return _sample_encoded(data, name=name, folder=folder)


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder of its own, gone afterwards. Raises Unavailable when there is none to be had, or no
    room left in it."""
    try:
        _remove_stale_folders(Path(tempfile.gettempdir()))
        with tempfile.TemporaryDirectory(prefix=_FOLDER) as folder:
            yield Path(folder)
    except OSError as error:
        raise Unavailable("storage.unwritable", detail=error.strerror or "?") from error


def _remove_stale_folders(place: Path) -> None:
    """Remove what a process that was killed left behind: somebody's film, as it came."""
    for old in place.glob(f"{_FOLDER}*"):
        with suppress(FileNotFoundError):
            if wall_now().timestamp() - old.lstat().st_mtime > LEFT_BEHIND:
                shutil.rmtree(old, ignore_errors=True)


def _encode_video(folder: Path, tracks: MediaTracks, name: str) -> bytes:
    """The bytes that leave."""
    expected = tracks.seconds or float(MAX_SECONDS)  # a recording of a browser does not say
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
            f"{_UPRIGHT},{_color_filter(folder, tracks, name)}",
            "-a53cc",
            "0",
            "-flags:v",
            "+bitexact",
        )
        kind = (*both, *picture, *rates, "-movflags", "+faststart", "-f", "mp4")
    limit = min(MAX_WAIT, GRACE + SLOWEST * expected)
    arguments = (
        *ffmpeg.input_arguments("in", tracks.demuxer),
        *NO_METADATA_ARGUMENTS,
        "-t",
        str(MAX_SECONDS + 1),
        *AUDIO_ARGUMENTS,
        *kind,
        "out",
    )
    ffmpeg.run_ffmpeg(arguments, folder=folder, seconds=limit, name=name)
    return (folder / "out").read_bytes()


def _color_filter(folder: Path, tracks: MediaTracks, name: str) -> str:
    """The filter that makes the colours those of an ordinary screen: HDR is tone-mapped."""
    if not tracks.may_be_hdr:
        return _EIGHT_BITS
    first = ("-map", "0:V:0", "-frames:v", "1", "-vf", "showinfo", "-f", "null", "pipe:1")
    opened = ("-loglevel", "info", *ffmpeg.input_arguments("in", tracks.demuxer))
    ffmpeg.run_ffmpeg((*opened, *first), folder=folder, seconds=GRACE, name=name)
    found = _HDR.search(ffmpeg.read_log(folder))
    if found is None:
        return _EIGHT_BITS
    return _TONE_MAP.format(transfer=found[2], range="full" if found[1] == "pc" else "limited")


def _sample_encoded(data: bytes, *, name: str, folder: Path) -> DecodedVideo:
    """The film our encoder wrote, which lies as `out` in the folder, with all that is to be looked
    at."""
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
    """The sound of the film, as it is in it."""
    kept = ("-map", "0:a:0", "-c:a", "copy", *NO_METADATA_ARGUMENTS, "-f", "ipod", "sound")
    ffmpeg.run_ffmpeg(
        (*ffmpeg.input_arguments("out", "mov"), *kept), folder=folder, seconds=limit, name=name
    )
    return (folder / "sound").read_bytes()


def _decode_cover(data: bytes, name: str) -> Image.Image:
    try:
        return pictures.flatten_on(pictures.decode_photo(data, name=name).pixels, (255, 255, 255))
    except BadInput as error:  # what cannot be looked at is not carried along unseen
        raise BadInput("film.attached", file=name) from error


def _is_cover_in_frames(cover: Image.Image, looked: SampledFrames) -> bool:
    """Whether a cover is one of the frames."""
    own = perceptual_hashes.dhash(cover)
    return any(
        perceptual_hashes.hamming_distance(own, perceptual_hashes.dhash(frame.to_image())) <= ALIKE
        for frame in looked.frames
    )
