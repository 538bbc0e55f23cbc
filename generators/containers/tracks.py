"""What a film or a sound holds, as its structure says before any decoder runs, and how much of it
is taken. Pure.

Codes of the BadInput raised in this room for films and sound, all with the file's name as `file`:
    film.unsupported  no MP4, MOV, WebM, M4A or OGG voice    film.corrupt   cut or damaged
    film.trailing     something stands beside the film       film.several   two pictures in one
    film.attached     other things are attached to it        film.remote    it points to other files
    film.codec        coded in a way that is not read, `codec`
    film.too_long     longer than `MOST_SECONDS`             film.too_heavy more than
    `MOST_BYTES` film.too_large    too many pixels a frame                film.too_busy  changes too
    often to be looked at film.too_slow     takes too long to read                 film.too_wordy
    more subtitles than anybody reads
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from foundation.errors import BadInput

MAX_MEDIA_BYTES = 200 * 2**20
MAX_SECONDS = 600
MAX_PIXELS = 4096 * 2304
"""Of a frame."""

MAX_PARTS = 20_000
"""Boxes, elements or pages that are walked; a real film of ten minutes has far fewer."""

Demuxer = Literal["mov", "matroska", "ogg", "gif", "apng", "webp_anim"]


@dataclass(frozen=True)
class MediaTracks:
    """The tracks of one file: at most one picture, sounds of which one is taken, and texts. Seconds
    and pixels as its header says, 0 where it says nothing. `covers` are pictures it brought along;
    `taken` is when it says it was recorded, UTC."""

    demuxer: Demuxer
    video: bool
    sound: bool
    texts: int = 0
    seconds: float = 0.0
    width: int = 0
    height: int = 0
    rate: float = 0.0
    """Frames a second, on average."""
    covers: tuple[bytes, ...] = field(default=(), repr=False)
    taken: datetime | None = None
    default_sound: int = 0
    """Which of its sounds is taken, from 0: phones write a second one for other players."""
    may_be_hdr: bool = False
    """Whether its picture may have more than 8 bits for a colour."""


@dataclass
class TrackScan:
    """What a walk through a file has seen so far."""

    name: str
    video: int = 0
    sound: int = 0
    texts: int = 0
    seconds: float = 0.0
    width: int = 0
    height: int = 0
    rate: float = 0.0
    covers: list[bytes] = field(default_factory=list, repr=False)
    taken: datetime | None = None
    parts: int = 0
    default_sound: int | None = None
    may_be_hdr: bool = False

    def add_sound(self, *, is_default: bool) -> None:
        """One more sound; the first of those that are played by default is taken."""
        if is_default and self.default_sound is None:
            self.default_sound = self.sound
        self.sound += 1

    def count_part(self) -> None:
        """One more part; raises `film.corrupt` where there is no end of them."""
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise self.refusal("film.corrupt")

    def refusal(self, code: str) -> BadInput:
        """The refusal of this file."""
        return BadInput(code, file=self.name)

    def check_size(self, width: int, height: int) -> None:
        """A picture of so many pixels."""
        self.width = max(self.width, width)
        self.height = max(self.height, height)

    def to_tracks(self, demuxer: Demuxer) -> MediaTracks:
        """What was seen, once it is within our limits."""
        if self.video > 1:
            raise self.refusal("film.several")
        if not self.video and not self.sound:
            raise self.refusal("film.unsupported")
        if self.seconds > MAX_SECONDS:
            raise BadInput("film.too_long", file=self.name, minutes=MAX_SECONDS // 60)
        if self.width * self.height > MAX_PIXELS:
            raise self.refusal("film.too_large")
        return MediaTracks(
            demuxer,
            bool(self.video),
            bool(self.sound),
            self.texts,
            self.seconds,
            self.width,
            self.height,
            self.rate,
            tuple(self.covers),
            self.taken,
            self.default_sound or 0,
            self.may_be_hdr,
        )
