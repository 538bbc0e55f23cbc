"""Films and sound in and out: read safely, made anew as MP4 (H.264, AAC) or M4A, with nothing else in them.

What leaves is what our own encoder wrote from one picture track and one sound track: no metadata, no covers, no
subtitles, no captions between the frames. What came along beside them is looked at and left behind. Order: `read` →
`provenance.sign` last → hash. Source of the limits: the narrowest place of today takes 25 MiB.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from PIL import Image

from foundation.clock import wall_now
from foundation.errors import BadInput, Unavailable
from generators import boxes, ebml, ffmpeg, frames, hashes, heif, loudness, media, moving, pages, subtitles
from generators.frames import Looked
from generators.tracks import MOST_BYTES, MOST_SECONDS, Tracks

Mime = Literal["video/mp4", "audio/mp4"]
FILM, SOUND = "film", "sound"
EDGE, FRAMES_A_SECOND = 1280, 30
"""Of what leaves: its longer edge in pixels, and how many frames a second at most."""

MOST_WEIGHT, MOST_RATE, SOUND_RATE = 23_000_000, 4_000_000, 128_000
"""Bytes of a whole film; bits a second of its picture at most, and of its sound."""

SLOWEST, GRACE, MOST_WAIT = 4.0, 120.0, 900.0
"""Seconds of work for a second of film, on top of a grace, and never more than so many."""

LEFT_BEHIND = 2 * 3600.0
"""Seconds after which a folder nobody touched is one of a process that died; no film takes so long."""

ALIKE = 14
"""Bits between the hashes of a cover and of a frame it may come from."""

_FOLDER = "greenroom-film-"
_UPRIGHT = (
    "scale=w='iw*max(sar,1)':h=ih,"
    f"scale=w='min({EDGE},iw)':h='min({EDGE},ih)':force_original_aspect_ratio=decrease:force_divisible_by=2,"
    "setsar=1,format=yuv420p"
)
BARE = ("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn", "-fflags", "+bitexact", "-flags", "+bitexact")
HEARD = ("-c:a", "aac", "-b:a", str(SOUND_RATE), "-ar", "48000", "-ac", "2", "-flags:a", "+bitexact")


@dataclass(frozen=True)
class Film:
    """A film, or a sound alone, as it leaves, and everything that is looked at before: its frames, its sound, what it
    brought along. `sha256` is that of the file as it came; `words` its subtitles; `covers` the pictures beside it."""

    data: bytes = field(repr=False)
    mime: Mime
    sha256: str
    seconds: float
    width: int
    height: int
    looked: Looked = field(repr=False)
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


def moves(data: bytes) -> bool:
    """Whether a file is of this kind, rather than a picture."""
    film = data[4:8] == b"ftyp" and not heif.still(data)
    return film or data[:4] in (b"\x1a\x45\xdf\xa3", b"OggS") or moving.moves(data)


def inspect(data: bytes, *, name: str) -> Tracks:
    """The tracks of a file by its structure alone. Raises BadInput (generators/tracks.py)."""
    if len(data) > MOST_BYTES:
        raise BadInput("film.too_heavy", file=name)
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return ebml.inspect(data, name=name)
    if data[:4] == b"OggS":
        return pages.inspect(data, name=name)
    if data[4:8] == b"ftyp":
        return boxes.inspect(data, name=name)
    if moving.known(data):
        return moving.inspect(data, name=name)
    raise BadInput("film.unsupported", file=name)


def read(data: bytes, *, name: str) -> Film:
    """Take in an upload by its content, never by its name.

    Raises BadInput `film.…` (generators/tracks.py) with `file`, Unavailable when the disk is full.
    """
    tracks = inspect(data, name=name)
    covers = tuple(_cover(cover, name) for cover in tracks.covers)
    with workplace() as folder:
        (folder / "in").write_bytes(data)
        words = subtitles.read(folder, tracks, name=name, seconds=GRACE)
        made_anew = _encode(folder, tracks, name)
        found = _seen(made_anew, name=name, folder=folder)
    return replace(
        found,
        sha256=hashlib.sha256(data).hexdigest(),
        words=words,
        covers=covers,
        hidden_cover=any(not _shown(cover, found.looked) for cover in covers),
        taken=tracks.taken,
    )


def reread(data: bytes, *, name: str) -> Film:
    """What `read` made, looked at again. Raises BadInput for what is nothing of ours."""
    with workplace() as folder:
        (folder / "out").write_bytes(data)
        return _seen(data, name=name, folder=folder)


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder of its own, gone afterwards. Raises Unavailable when there is none to be had, or no room left in it."""
    try:
        _sweep(Path(tempfile.gettempdir()))
        with tempfile.TemporaryDirectory(prefix=_FOLDER) as folder:
            yield Path(folder)
    except OSError as error:
        raise Unavailable("storage.unwritable", detail=error.strerror or "?") from error


def _sweep(place: Path) -> None:
    """Remove what a process that was killed left behind: somebody's film, as it came."""
    for old in place.glob(f"{_FOLDER}*"):
        with suppress(FileNotFoundError):
            if wall_now().timestamp() - old.lstat().st_mtime > LEFT_BEHIND:
                shutil.rmtree(old, ignore_errors=True)


def _encode(folder: Path, tracks: Tracks, name: str) -> bytes:
    """The bytes that leave."""
    expected = tracks.seconds or float(MOST_SECONDS)  # a recording of a browser does not say
    kind: Sequence[str] = ("-vn", "-map", "0:a:0", "-f", "ipod")
    if tracks.video:
        rate = min(MOST_RATE, int(MOST_WEIGHT * 8 / max(expected, 1.0)) - SOUND_RATE)
        picture = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-profile:v", "high", "-pix_fmt", "yuv420p")
        rates = ("-maxrate", str(rate), "-bufsize", str(2 * rate), "-fps_mode", "cfr", "-fpsmax", str(FRAMES_A_SECOND))
        both = ("-map", "0:V:0", "-map", "0:a:0?", "-vf", _UPRIGHT, "-a53cc", "0", "-flags:v", "+bitexact")
        kind = (*both, *picture, *rates, "-movflags", "+faststart", "-f", "mp4")
    limit = min(MOST_WAIT, GRACE + SLOWEST * expected)
    arguments = (*ffmpeg.source("in", tracks.demuxer), *BARE, "-t", str(MOST_SECONDS + 1), *HEARD, *kind, "out")
    ffmpeg.run(arguments, folder=folder, seconds=limit, name=name)
    return (folder / "out").read_bytes()


def _seen(data: bytes, *, name: str, folder: Path) -> Film:
    """The film our encoder wrote, which lies as `out` in the folder, with all that is to be looked at."""
    own = boxes.inspect(data, name=name)
    if own.texts or own.covers:
        raise BadInput("film.corrupt", file=name)
    limit = min(MOST_WAIT, GRACE + SLOWEST * own.seconds)
    size, digest = (own.width, own.height), hashlib.sha256(data).hexdigest()
    if not own.video:
        loud = loudness.measured(folder, name=name, seconds=limit)
        return Film(data, "audio/mp4", digest, own.seconds, *size, Looked(), data, loud)
    looked = frames.look(folder, own, name=name, seconds=limit)
    heard = _sound(folder, name, limit) if own.sound else None
    return Film(data, "video/mp4", digest, own.seconds, *size, looked, heard)


def _sound(folder: Path, name: str, limit: float) -> bytes:
    """The sound of the film, as it is in it."""
    kept = ("-map", "0:a:0", "-c:a", "copy", *BARE, "-f", "ipod", "sound")
    ffmpeg.run((*ffmpeg.source("out", "mov"), *kept), folder=folder, seconds=limit, name=name)
    return (folder / "sound").read_bytes()


def _cover(data: bytes, name: str) -> Image.Image:
    try:
        return media.on(media.read(data, name=name).pixels, (255, 255, 255))
    except BadInput as error:  # what cannot be looked at is not carried along unseen
        raise BadInput("film.attached", file=name) from error


def _shown(cover: Image.Image, looked: Looked) -> bool:
    """Whether a cover is one of the frames."""
    own = hashes.dhash(cover)
    return any(hashes.distance(own, hashes.dhash(frame.open())) <= ALIKE for frame in looked.frames)
