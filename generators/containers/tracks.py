"""Tracks of videos and audio, read from their structure before any decoder runs, and their limits.
Pure.

Codes of BadInput for videos and audio, all with the file's name as `file`:

- film.unsupported: not an MP4, MOV, WebM, M4A or OGG voice file
- film.corrupt: truncated or damaged
- film.trailing: another file in or after the video
- film.several: two picture tracks
- film.attached: attachments
- film.remote: references to other files
- film.codec: an unsupported codec, named in `codec`
- film.too_long: longer than `MAX_SECONDS`
- film.too_heavy: larger than `MAX_MEDIA_BYTES`
- film.too_large: too many pixels in a frame
- film.too_busy: too many scene changes to review
- film.too_slow: decoding takes too long
- film.too_wordy: too many subtitles to review
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from foundation.errors import BadInput
from generators.containers import camera_trailers
from generators.containers.camera_trailers import FileEnd

MAX_MEDIA_BYTES = 200 * 2**20
MAX_SECONDS = 600
MAX_PIXELS = 4096 * 2304
"""Maximum pixels of a frame."""

MAX_PARTS = 20_000
"""Maximum number of boxes, elements or pages; a real video of ten minutes has far fewer."""

Demuxer = Literal["mov", "matroska", "ogg", "gif", "apng", "webp_anim"]


@dataclass(frozen=True)
class MediaTracks:
    """The tracks of a file: at most one picture track, any number of sound tracks of which one is
    used, and subtitles.

    Durations in seconds and sizes in pixels are those of the header, or 0 if unknown. `covers` are
    embedded pictures; `taken` is the recording time in the file (UTC-aware).
    """

    demuxer: Demuxer
    video: bool
    sound: bool
    texts: int = 0
    seconds: float = 0.0
    width: int = 0
    height: int = 0
    rate: float = 0.0
    """Average frames per second."""
    covers: tuple[bytes, ...] = field(default=(), repr=False)
    taken: datetime | None = None
    default_sound: int = 0
    """Index of the sound track that is used. Phones write a second one for other players."""
    may_be_hdr: bool = False
    """True if the picture may have more than 8 bits per colour channel."""
    may_be_clear: bool = False
    """True if frames may be transparent although the first one is not."""
    clear_decoder: str = ""
    """FFmpeg's decoder that reads transparency, if its usual one does not."""
    own: bytes = field(default=b"", repr=False)
    """The file alone: without data after its end and unknown blocks, with its end mark."""


@dataclass
class TrackScan:
    """The state of a scan through a file."""

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
    may_be_clear: bool = False
    clear_decoder: str = ""
    own: bytes = field(default=b"", repr=False)

    def add_sound(self, *, is_default: bool) -> None:
        """Count a sound track. The first track marked as default is used."""
        if is_default and self.default_sound is None:
            self.default_sound = self.sound
        self.sound += 1

    def count_part(self) -> None:
        """Count a part. Raises BadInput `film.corrupt` above `MAX_PARTS`."""
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise self.refusal("film.corrupt")

    def refusal(self, code: str) -> BadInput:
        """Return the BadInput error with this code for this file."""
        return BadInput(code, file=self.name)

    def cut_trailer(self, data: bytes, end: FileEnd) -> bytes:
        """Return the video alone. Raises BadInput `film.trailing` if another file follows."""
        if camera_trailers.hides_file(data, end.offset):
            raise self.refusal("film.trailing")
        return end.cut(data)

    def check_size(self, width: int, height: int) -> None:
        """Record the size of a picture track in pixels."""
        self.width = max(self.width, width)
        self.height = max(self.height, height)

    def to_tracks(self, demuxer: Demuxer) -> MediaTracks:
        """Return the tracks if they are within the limits. Raises BadInput otherwise."""
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
            self.may_be_clear,
            self.clear_decoder,
            self.own,
        )
