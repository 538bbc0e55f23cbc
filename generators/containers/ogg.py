"""OGG voice files from their pages: a single stream of whole pages. Pure.

Recorders that were stopped write no last page; players play such files.

Sources: RFC 3533 (pages), RFC 7845 (Opus in OGG).
"""

import struct

from generators.containers.camera_trailers import FileEnd
from generators.containers.tracks import MediaTracks, TrackScan

_FIRST = 0x02
_LAST = 0x04
_VOICES = (b"OpusHead", b"\x01vorbis")
_NO_POSITION = 2**64 - 1


def inspect_ogg(data: bytes, *, name: str) -> MediaTracks:
    """Return the only track of an OGG voice file. Raises BadInput
    (generators/containers/tracks.py)."""
    found = TrackScan(name)
    at = 0
    streams = set[int]()
    last = 0
    position = 0
    rate = 48_000
    try:
        while at < len(data):
            found.count_part()
            if at and (last & _LAST or data[at : at + 4] != b"OggS"):
                break
            if data[at : at + 4] != b"OggS":
                raise found.refusal("film.unsupported")
            last, granule, stream, count = _read_page(data, at)
            body = at + 27 + count
            end = body + sum(data[at + 27 : body])
            if end > len(data):
                raise found.refusal("film.corrupt")
            if last & _FIRST:
                streams.add(stream)
                rate = _sample_rate(data[body:end], found)
            if streams != {stream}:
                raise found.refusal("film.several")
            position = max(position, 0 if granule == _NO_POSITION else granule)
            at = end
    except (struct.error, IndexError) as error:
        raise found.refusal("film.corrupt") from error
    if not streams:
        raise found.refusal("film.corrupt")
    found.own = found.cut_trailer(data, FileEnd(at))
    found.sound = 1
    found.seconds = position / rate
    return found.to_tracks("ogg")


def _read_page(data: bytes, at: int) -> tuple[int, int, int, int]:
    """Return a page's flags, its position in samples, its stream, and its number of segments."""
    _, marks, granule, stream = struct.unpack_from("<BBQI", data, at + 4)
    return marks, granule, stream, data[at + 26]


def _sample_rate(head: bytes, found: TrackScan) -> int:
    """Return the number of samples per second that page positions refer to."""
    if head.startswith(_VOICES[0]):
        return 48_000  # Opus always counts at 48 kHz, whatever the recording rate.
    if head.startswith(_VOICES[1]):
        (rate,) = struct.unpack_from("<I", head, 12)
        return int(rate) or 48_000
    raise found.refusal("film.unsupported")
