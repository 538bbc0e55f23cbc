"""WebM from its elements. Every element of its segment must be known. Pure.

Sources: RFC 8794 (EBML), RFC 9559 (Matroska) and the WebM guidelines: VP8, VP9 or AV1 with Vorbis
or Opus.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from generators.containers.camera_trailers import FileEnd
from generators.containers.tracks import MediaTracks, TrackScan

_EBML = 0x1A45DFA3
_DOCTYPE = 0x4282
_SEGMENT = 0x18538067
_CLUSTER = 0x1F43B675
_INFO = 0x1549A966
_TRACKS = 0x1654AE6B
_ATTACHED = 0x1941A469
_SCALE = 0x2AD7B1
_LENGTH = 0x4489
_ENTRY = 0xAE
_KIND = 0x83
_CODEC = 0x86
_DEFAULT = 0x88
_PICTURE = 0xE0
_ALPHA = 0x53C0
_CLEAR_DECODERS = {b"V_VP8": "libvpx", b"V_VP9": "libvpx-vp9"}
"""FFmpeg's decoders that read the transparency that WebM stores beside each frame."""

_WIDE = 0xB0
_HIGH = 0xBA
_PLAIN = frozenset({0x114D9B74, 0x1C53BB6B, 0x1043A770, 0x1254C367, 0xEC, 0xBF})
"""Allowed elements that are neither shown nor stored: seek head, cues, chapters, tags, padding and
checksums."""

_IN_CLUSTER = frozenset({0xA3, 0xA0, 0xE7, 0xA7, 0xAB})
"""Elements allowed in a cluster of unknown size, which browsers write when they record."""

_TAGS = 0x1254C367
_TAG = 0x7373
_SIMPLE_TAG = 0x67C8
_TAG_NAME = 0x45A3
_TAG_VALUES = (0x4487, 0x4485)
_INFO_TEXTS = {0x7BA9: "title", 0x5741: "writing_app", 0x4D80: "muxing_app"}
_VIDEO = 1
_SOUND = 2
_TEXT = 0x11
_UNTOLD = -1


@dataclass(frozen=True)
class _Element:
    id: int
    body: int
    end: int
    is_open: bool = False


def inspect_webm(data: bytes, *, name: str) -> MediaTracks:
    """Return the tracks of a WebM file. Raises BadInput (generators/containers/tracks.py)."""
    found = TrackScan(name)
    try:
        header = _read_element(data, 0, len(data), found)
        kinds = [
            data[one.body : one.end]
            for one in _iter_child_elements(data, header, found)
            if one.id == _DOCTYPE
        ]
        if kinds != [b"webm"]:
            raise found.refusal("film.unsupported")
        segment = _read_element(data, header.end, len(data), found)
        if segment.id != _SEGMENT:
            raise found.refusal("film.corrupt")
        end = FileEnd(_scan_segment(data, segment, found))
    except (struct.error, IndexError) as error:
        raise found.refusal("film.corrupt") from error
    found.own = found.cut_trailer(data, end)
    return found.to_tracks("matroska")


def _scan_segment(data: bytes, segment: _Element, found: TrackScan) -> int:
    """Scan the tracks and return the offset at which the segment ends.

    A segment of unknown size, as browsers record it, ends at the first unknown element.
    """
    at = segment.body
    open_cluster = False
    has_frames = False
    while at < segment.end:
        found.count_part()
        if has_frames and segment.is_open and not _starts_element(data, at):
            break
        number, _ = _read_vint(data, at, keep=True)
        known = (
            {_CLUSTER, _INFO, _TRACKS, _ATTACHED}
            | _PLAIN
            | (_IN_CLUSTER if open_cluster else frozenset())
        )
        if number not in known:
            raise found.refusal("film.trailing")
        one = _read_element(data, at, segment.end, found, untold=number == _CLUSTER)
        if one.id == _ATTACHED:
            raise found.refusal("film.attached")
        if one.id == _CLUSTER:
            has_frames = True
            open_cluster = one.end == one.body
        elif one.id == _INFO:
            _scan_info(data, one, found)
        elif one.id == _TRACKS:
            for entry in _iter_child_elements(data, one, found):
                if entry.id == _ENTRY:
                    _scan_track_entry(data, entry, found)
        at = one.end
    if not has_frames:
        raise found.refusal("film.corrupt")
    return at


def _starts_element(data: bytes, at: int) -> bool:
    """Return True if a known element of a segment starts here."""
    try:
        number, _ = _read_vint(data, at, keep=True)
    except IndexError:
        return False
    return number in {_CLUSTER, _INFO, _TRACKS, _ATTACHED} | _PLAIN | _IN_CLUSTER


def iter_tags(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the names and values of the tags, and the title and programs of the segment.

    Raises struct.error, IndexError or BadInput for a damaged file.
    """
    found = TrackScan("-")
    header = _read_element(data, 0, len(data), found)
    segment = _read_element(data, header.end, len(data), found)
    at = segment.body
    while at < segment.end:
        found.count_part()
        one = _read_element(data, at, segment.end, found, untold=True)
        at = one.end
        if one.id == _INFO:
            for inner in _iter_child_elements(data, one, found):
                if inner.id in _INFO_TEXTS:
                    yield _INFO_TEXTS[inner.id], data[inner.body : inner.end]
        elif one.id == _TAGS:
            yield from _iter_simple_tags(data, one, found, depth=8)


def _iter_simple_tags(
    data: bytes, outer: _Element, found: TrackScan, *, depth: int
) -> Iterator[tuple[str, bytes]]:
    name = ""
    for one in _iter_child_elements(data, outer, found):
        if one.id in (_TAG, _SIMPLE_TAG) and depth:
            yield from _iter_simple_tags(data, one, found, depth=depth - 1)
        elif one.id == _TAG_NAME:
            name = data[one.body : one.end].decode("utf-8", "replace")
        elif one.id in _TAG_VALUES:
            yield name, data[one.body : one.end]


def _scan_info(data: bytes, information: _Element, found: TrackScan) -> None:
    """Record the duration, which is in units of `scale` nanoseconds."""
    scale = 1_000_000
    length = 0.0
    for one in _iter_child_elements(data, information, found):
        if one.id == _SCALE:
            scale = _read_unsigned(data, one)
        elif one.id == _LENGTH:
            (length,) = struct.unpack(
                ">f" if one.end - one.body == 4 else ">d", data[one.body : one.end]
            )
    found.seconds = max(found.seconds, length * scale / 1e9)


def _scan_track_entry(data: bytes, entry: _Element, found: TrackScan) -> None:
    kind = 0
    codec = b""
    is_clear = False
    is_default = True  # RFC 9559 §5.1.4.1.5
    for one in _iter_child_elements(data, entry, found):
        if one.id == _KIND:
            kind = _read_unsigned(data, one)
        elif one.id == _CODEC:
            codec = data[one.body : one.end]
        elif one.id == _DEFAULT:
            is_default = _read_unsigned(data, one) == 1
        elif one.id == _PICTURE:
            facts = {
                inner.id: _read_unsigned(data, inner)
                for inner in _iter_child_elements(data, one, found)
                if inner.id in (_WIDE, _HIGH, _ALPHA)
            }
            found.check_size(facts.get(_WIDE, 0), facts.get(_HIGH, 0))
            is_clear = bool(facts.get(_ALPHA))
    if kind == _VIDEO:
        found.video += 1
        found.may_be_hdr = codec != b"V_VP8"
        found.may_be_clear = is_clear
        found.clear_decoder = _CLEAR_DECODERS.get(codec, "") if is_clear else ""
    elif kind == _SOUND:
        found.add_sound(is_default=is_default)
    elif kind == _TEXT:
        found.texts += 1
    else:
        raise found.refusal("film.attached")


def _iter_child_elements(data: bytes, outer: _Element, found: TrackScan) -> Iterator[_Element]:
    at = outer.body
    while at < outer.end:
        found.count_part()
        one = _read_element(data, at, outer.end, found)
        yield one
        at = one.end


def _read_element(
    data: bytes, at: int, end: int, found: TrackScan, *, untold: bool = False
) -> _Element:
    """Return the element at `at`. With `untold`, an element of unknown size ends where its content
    starts."""
    number, at = _read_vint(data, at, keep=True)
    size, at = _read_vint(data, at, keep=False)
    if size == _UNTOLD:
        if number == _SEGMENT:
            return _Element(number, at, end, is_open=True)
        if untold:
            return _Element(number, at, at)
        raise found.refusal("film.corrupt")
    if number == _SEGMENT and at + size > end:
        return _Element(number, at, end)  # Only an index after the last cluster may be missing.
    if at + size > end:
        raise found.refusal("film.corrupt")
    return _Element(number, at, at + size)


def _read_unsigned(data: bytes, one: _Element) -> int:
    """Return an unsigned integer, at most eight bytes long (RFC 8794). Raises struct.error for
    more."""
    if one.end - one.body > 8:
        raise struct.error("no number is that long")
    return int.from_bytes(data[one.body : one.end], "big")


def _read_vint(data: bytes, at: int, *, keep: bool) -> tuple[int, int]:
    """Return a variable-length integer and its end offset. With `keep`, the length marker is part
    of the value, as in IDs. A value of all ones means an unknown size."""
    first = data[at]
    length = 9 - first.bit_length()
    if not first or at + length > len(data):
        raise IndexError("no number")
    value = int.from_bytes(data[at : at + length], "big")
    if not keep:
        value &= (1 << 7 * length) - 1
        if value == (1 << 7 * length) - 1:
            value = _UNTOLD
    return value, at + length
