"""MP4, M4A and MOV from their boxes. Pure.

Sources: ISO/IEC 14496-12 (boxes, handlers, data references); Apple's QuickTime File Format for
files of phones.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from generators.containers import boxes, heif
from generators.containers.boxes import Box
from generators.containers.tracks import MAX_PARTS, MediaTracks, TrackScan

_TOP = frozenset(
    {
        b"ftyp",
        b"moov",
        b"mdat",
        b"free",
        b"skip",
        b"wide",
        b"uuid",
        b"moof",
        b"sidx",
        b"styp",
        b"mfra",
        b"pdin",
        b"ssix",
        b"prft",
        b"emsg",
        b"meta",
        b"udta",
        b"junk",
        b"pnot",
        b"sefd",
    }
)
"""Known top-level boxes: those of videos, and those of times, indexes, previews and camera data
(`sefd`: Samsung)."""

_NEEDED = frozenset({b"moov", b"mdat"})
_FIRST = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
"""Boxes with which files start (QuickTime File Format, Movie files)."""

_STILL = frozenset(
    {b"heic", b"heix", b"heim", b"mif1", b"msf1", b"avif", b"avis", b"crx ", b"jxl "}
)
"""Brands of still pictures, which are not videos."""

_PICTURE = frozenset({b"vide"})
_SOUND = frozenset({b"soun"})
_TEXT = frozenset({b"text", b"sbtl", b"subt"})
_MEASURED = frozenset({b"meta", b"tmcd", b"auxv", b"hint", b"odsm", b"sdsm", b"priv"})
"""Handlers of data tracks written by phones, cameras, servers and players (direction, time code,
depth). Such tracks are ignored."""

_EIGHT_BITS = frozenset({66, 77, 88, 100})
"""H.264 profiles with 8 bits per colour channel (Rec. ITU-T H.264, Annex A)."""

_CODECS_FOR_FEW = frozenset({b"apac"})
"""Codecs of sound tracks that phones write in addition to a widely supported one: Apple's
Positional Audio Codec."""

_ELSEWHERE = frozenset({b"rmra", b"rmda"})
_UNTOLD = (2**32 - 1, 2**64 - 1)
_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
_COVERS = (13, 14)
"""Metadata value types of cover pictures: JPEG and PNG."""

_MOST_COVERS = 8


def inspect_mp4(data: bytes, *, name: str) -> MediaTracks:
    """Return the tracks of an MP4, M4A or MOV. Raises BadInput
    (generators/containers/tracks.py)."""
    found = TrackScan(name)
    try:
        top = boxes.read_top_level(data, _TOP, needed=_NEEDED, limit=MAX_PARTS)
        for box in top.boxes:
            if box.kind == b"ftyp" and data[box.body : box.body + 4] in _STILL:
                raise found.refusal("film.unsupported")
            if box.kind == b"moov":
                _scan_movie(data, box, found)
    except boxes.HiddenFile as error:
        raise found.refusal("film.trailing") from error
    except (struct.error, IndexError) as error:
        raise found.refusal("film.corrupt") from error
    kinds = [box.kind for box in top.boxes]
    if kinds.count(b"ftyp") > 1 or kinds.count(b"moov") != 1 or b"mdat" not in kinds:
        raise found.refusal("film.corrupt")
    found.own = top.own
    return found.to_tracks("mov")


def is_movie(data: bytes) -> bool:
    """Return True if the file starts like an MP4 or MOV. Old cameras and editors write no file type
    box."""
    return data[4:8] in _FIRST and not heif.is_heif(data)


def _iter_child_boxes(data: bytes, outer: Box, found: TrackScan, *, skip: int = 0) -> Iterator[Box]:
    at = outer.body + skip
    while outer.end - at >= 8:
        found.count_part()
        box = boxes.read_box(data, at, outer.end)
        yield box
        at = box.end


def _scan_movie(data: bytes, movie: Box, found: TrackScan) -> None:
    tracks = list[_Track]()
    for box in _iter_child_boxes(data, movie, found):
        if box.kind == b"mvhd":
            _scan_movie_header(data, box, found)
        elif box.kind == b"trak":
            tracks.append(_scan_track(data, box, found))
        elif box.kind == b"udta":
            for inner in _iter_child_boxes(data, box, found):
                if inner.kind == b"meta":
                    _scan_cover_art(data, inner, found)
        elif box.kind == b"meta":
            _scan_cover_art(data, box, found)
        elif box.kind in _ELSEWHERE:
            raise found.refusal("film.remote")
        elif box.kind == b"cmov":
            raise found.refusal("film.unsupported")
    chapters = {chapter for track in tracks for chapter in track.chapters}
    for track in tracks:
        _add_track(track, found, is_chapters=track.number in chapters)


def _scan_movie_header(data: bytes, box: Box, found: TrackScan) -> None:
    """Record the duration and the recording time."""
    if data[box.body]:
        made, _, scale, units = struct.unpack_from(">QQIQ", data, box.body + 4)
    else:
        made, _, scale, units = struct.unpack_from(">IIII", data, box.body + 4)
    found.seconds = max(found.seconds, 0.0 if not scale or units in _UNTOLD else units / scale)
    if 0 < made < 2**33:
        found.taken = _EPOCH + timedelta(seconds=made)


@dataclass
class _Media:
    """A track's handler, duration in seconds, number of samples, and codec."""

    handler: bytes = b""
    seconds: float = 0.0
    samples: int = 0
    codec: bytes = b""
    may_be_hdr: bool = False


@dataclass
class _Track:
    """A track: its ID, whether it is enabled, and the IDs of its chapter tracks."""

    media: _Media
    number: int = 0
    is_enabled: bool = False
    size: tuple[int, int] = (0, 0)
    chapters: tuple[int, ...] = ()


def _scan_track(data: bytes, box: Box, found: TrackScan) -> _Track:
    track = _Track(_Media())
    for inner in _iter_child_boxes(data, box, found):
        if inner.kind == b"tkhd":
            wide, high = struct.unpack_from(">II", data, inner.end - 8)
            track.size = wide >> 16, high >> 16
            track.is_enabled = bool(data[inner.body + 3] & 1)
            at = inner.body + (20 if data[inner.body] else 12)
            (track.number,) = struct.unpack_from(">I", data, at)
        elif inner.kind == b"mdia":
            track.media = _scan_media(data, inner, found)
        elif inner.kind == b"tref":
            for reference in _iter_child_boxes(data, inner, found):
                if reference.kind == b"chap":
                    count = (reference.end - reference.body) // 4
                    track.chapters = struct.unpack_from(f">{count}I", data, reference.body)
    return track


def _add_track(track: _Track, found: TrackScan, *, is_chapters: bool) -> None:
    """Count a track. Chapter tracks are not counted: FFmpeg does not map them, and their titles are
    not stored."""
    media = track.media
    found.seconds = max(found.seconds, media.seconds)
    if is_chapters and media.handler in _TEXT | _PICTURE:
        return
    if media.handler in _PICTURE:
        found.video += 1
        found.check_size(*track.size)
        found.rate = media.samples / media.seconds if media.seconds else 0.0
        found.may_be_hdr = media.may_be_hdr
    elif media.handler in _SOUND:
        found.add_sound(is_default=track.is_enabled and media.codec not in _CODECS_FOR_FEW)
    elif media.handler in _TEXT:
        found.texts += 1
    elif media.handler not in _MEASURED:
        raise found.refusal("film.attached")


def _scan_media(data: bytes, outer: Box, found: TrackScan) -> _Media:
    media = _Media()
    for box in _iter_child_boxes(data, outer, found):
        if box.kind == b"hdlr":
            media.handler = data[box.body + 8 : box.body + 12]
        elif box.kind == b"mdhd":
            form, at = (">IQ", 20) if data[box.body] else (">II", 12)
            scale, units = struct.unpack_from(form, data, box.body + at)
            media.seconds = 0.0 if not scale or units in _UNTOLD else units / scale
        elif box.kind == b"minf":
            for inner in _iter_child_boxes(data, box, found):
                if inner.kind == b"dinf":
                    _check_data_references(data, inner, found)
                elif inner.kind == b"stbl":
                    media.samples = _count_samples(data, inner, found)
                    _scan_sample_description(data, inner, found, media)
    return media


def _scan_sample_description(data: bytes, table: Box, found: TrackScan, media: _Media) -> None:
    """Record the codec of the first sample description."""
    for box in _iter_child_boxes(data, table, found):
        if box.kind != b"stsd":
            continue
        for entry in _iter_child_boxes(data, box, found, skip=8):
            media.codec = entry.kind
            at = data.find(b"avcC", entry.body, entry.end)
            media.may_be_hdr = at < 0 or data[at + 5] not in _EIGHT_BITS
            return


def _count_samples(data: bytes, table: Box, found: TrackScan) -> int:
    sizes = [box for box in _iter_child_boxes(data, table, found) if box.kind in (b"stsz", b"stz2")]
    return int(struct.unpack_from(">I", data, sizes[0].body + 8)[0]) if sizes else 0


def _check_data_references(data: bytes, outer: Box, found: TrackScan) -> None:
    """Refuse data references without the self-contained flag: they point to another file, possibly
    remote."""
    for box in _iter_child_boxes(data, outer, found):
        if box.kind == b"dref":
            for entry in _iter_child_boxes(data, box, found, skip=8):
                if not data[entry.body + 3] & 1:
                    raise found.refusal("film.remote")


def _scan_cover_art(data: bytes, notes: Box, found: TrackScan) -> None:
    """Collect cover pictures from the metadata, because players show them before the video."""
    # QuickTime's box has no version field before its children.
    plain = data[notes.body + 4 : notes.body + 8] == b"hdlr"
    for box in _iter_child_boxes(data, notes, found, skip=0 if plain else 4):
        if box.kind != b"ilst":
            continue
        for item in _iter_child_boxes(data, box, found):
            for value in _iter_child_boxes(data, item, found):
                if (
                    value.kind == b"data"
                    and struct.unpack_from(">I", data, value.body)[0] in _COVERS
                ):
                    found.covers.append(data[value.body + 8 : value.end])
    if len(found.covers) > _MOST_COVERS:
        raise found.refusal("film.attached")
