"""Files that browsers and players open are accepted: without an end mark, or with data after it."""

import io
import struct
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from PIL import Image

from foundation.errors import BadInput
from generators.media import pictures
from generators.video import video_files
from tests.generators.builders import a_picture, encoded
from tests.generators.video.test_animated_images import animated
from tests.generators.video_builders import build_frames, encode_speech, encode_video

STILLS = ("JPEG", "progressive JPEG", "PNG", "GIF", "WEBP", "AVIF")
VIDEOS = ("GIF", "PNG", "WEBP", "mp4", "mov", "webm", "ogg")


@cache
def still(kind: str) -> bytes:
    more = {"progressive": True} if kind.startswith("progressive") else {}
    return encoded(a_picture(), kind.rpartition(" ")[2], **more)


@cache
def video(kind: str) -> bytes:
    if kind.isupper():
        return animated(kind)
    if kind == "ogg":
        return encode_speech("A", suffix="ogg")
    return encode_video(build_frames(("G", 0.4)), suffix=kind)


VENDOR_DATA: dict[str, bytes] = {
    "zeros": b"\0" * 512,
    "a note": b'vendor{"version": 2, "note": "x"}\0',
    "a block": struct.pack(">I4s", 40, b"vndr") + b"v" * 32,
    "an index": b"SEFH" + bytes(range(60)) + b"SEFT",
    "one byte": b"\x07",
}


@pytest.mark.parametrize("kind", STILLS)
@pytest.mark.parametrize("vendor", VENDOR_DATA)
def test_vendor_data_after_a_picture_is_dropped(kind: str, vendor: str) -> None:
    photo = pictures.decode_photo(still(kind) + VENDOR_DATA[vendor], name="x")
    alone = pictures.decode_photo(still(kind), name="x")
    assert photo.pixels.tobytes() == alone.pixels.tobytes()


@pytest.mark.parametrize("kind", VIDEOS)
@pytest.mark.parametrize("vendor", VENDOR_DATA)
def test_vendor_data_after_a_video_does_not_reach_the_decoder(kind: str, vendor: str) -> None:
    data = video(kind)
    tracks = video_files.inspect_video(data + VENDOR_DATA[vendor], name="x")
    assert b"vendor" not in tracks.own
    assert b"vndr" not in tracks.own
    assert tracks.own.startswith(data[: len(data) // 2])
    assert tracks.seconds == video_files.inspect_video(data, name="x").seconds


@pytest.mark.parametrize("kind", VIDEOS)
def test_video_with_vendor_data_is_decoded(kind: str) -> None:
    film = video_files.decode_video(video(kind) + VENDOR_DATA["a block"], name="x")
    assert film.data == video_files.decode_video(video(kind), name="x").data


@pytest.mark.parametrize("kind", [*STILLS, *VIDEOS])
@pytest.mark.parametrize("hidden", [b"PK\x03\x04 an archive", b"%PDF-1.7", b"<script>x</script>"])
def test_other_file_after_the_end_is_refused(kind: str, hidden: bytes) -> None:
    is_still = kind in STILLS
    read = pictures.decode_photo if is_still else video_files.inspect_video
    data = still(kind) if is_still else video(kind)
    with pytest.raises(BadInput) as refused:
        read(data + b"\0" * 9 + hidden, name="x")
    assert refused.value.message.code.endswith((".trailing", ".corrupt"))


def rename_first_box(data: bytes, kind: bytes) -> bytes:
    """Return the video without a file type; offsets of frames count from the start of the file."""
    return data[:4] + kind + data[8:]


def lengthen_header(data: bytes, more: int) -> bytes:
    (length,) = struct.unpack_from("<I", data, 4)
    return data[:4] + struct.pack("<I", length + more) + data[8:]


def drop_padding(data: bytes) -> bytes:
    """Return a WebP whose last chunk has an odd length and no padding."""
    body = b"XMP \x03\0\0\0abc"
    return lengthen_header(data, len(body) + 1) + body


INCOMPLETE_STILLS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "JPEG without end": ("JPEG", lambda data: data[:-2]),
    "JPEG with half an end": ("JPEG", lambda data: data[:-1]),
    "progressive without end": ("progressive JPEG", lambda data: data[:-2]),
    "PNG without end": ("PNG", lambda data: data[:-12]),
    "PNG with half an end": ("PNG", lambda data: data[:-5]),
    "GIF without end": ("GIF", lambda data: data[:-1]),
    "GIF without terminator": ("GIF", lambda data: data[:-2]),
    "WebP with a long header": ("WEBP", lambda data: lengthen_header(data, 60)),
    "WebP without padding": ("WEBP", drop_padding),
    "WebP with half of its metadata": (
        "WEBP",
        lambda data: lengthen_header(data, 1_008) + b"XMP \xe8\x03\0\0<x",
    ),
}


@pytest.mark.parametrize("fault", INCOMPLETE_STILLS)
def test_picture_without_its_end_mark_is_accepted(fault: str) -> None:
    kind, damage = INCOMPLETE_STILLS[fault]
    whole = pictures.decode_photo(still(kind), name="x").pixels
    assert pictures.decode_photo(damage(still(kind)), name="x").pixels.tobytes() == whole.tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "progressive JPEG", "PNG", "GIF", "WEBP"])
@pytest.mark.parametrize("missing", [20, 60, 200, 500])
def test_picture_without_some_of_its_pixels_is_refused(kind: str, missing: int) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    more = {"progressive": True} if kind.startswith("progressive") else {}
    data = encoded(Image.fromarray(noise), kind.rpartition(" ")[2], **more)
    with pytest.raises(BadInput):
        pictures.decode_photo(data[:-missing], name="x")


INCOMPLETE_VIDEOS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "GIF without end": ("GIF", lambda data: data[:-1]),
    "APNG without end": ("PNG", lambda data: data[:-12]),
    "WebP with data after its length": ("WEBP", lambda data: data + b"\0"),
    "MOV without file type": ("mov", lambda data: rename_first_box(data, b"wide")),
    "MP4 without file type": ("mp4", lambda data: rename_first_box(data, b"free")),
    "MOV of an old camera": ("mov", lambda data: rename_first_box(data, b"skip")),
    "MP4 with half a last box": (
        "mp4",
        lambda data: data + struct.pack(">I4s", 900, b"free") + b"x",
    ),
    "MP4 with an unknown box": (
        "mp4",
        lambda data: struct.pack(">I4s", 16, b"vndr").join([data, b"x" * 8]),
    ),
    "WebM without index": ("webm", lambda data: data[: data.rindex(b"\x1cS\xbbk")]),
}


@pytest.mark.parametrize("fault", INCOMPLETE_VIDEOS)
def test_video_without_its_end_or_type_is_accepted(fault: str) -> None:
    kind, damage = INCOMPLETE_VIDEOS[fault]
    data = damage(video(kind))
    assert video_files.is_video_or_audio(data)
    film = video_files.decode_video(data, name="x")
    whole = video_files.decode_video(video(kind), name="x")
    assert (film.size, film.looked.total) == (whole.size, whole.looked.total)
    assert film.seconds == pytest.approx(whole.seconds, abs=0.1)


def test_unknown_box_reaches_no_decoder() -> None:
    data = video("mp4")
    at = struct.unpack_from(">I", data)[0]
    box = struct.pack(">I4s", 20, b"vndr") + b"secret data!"
    # Offsets of frames count from the start of the file, so the box goes behind them.
    tracks = video_files.inspect_video(data + box, name="x")
    assert b"vndr" not in tracks.own
    assert tracks.own[:at] == data[:at]


def test_hidden_file_in_an_unknown_box_is_refused() -> None:
    body = b"PK\x03\x04" + b"an archive"
    box = struct.pack(">I4s", 8 + len(body), b"vndr") + body
    with pytest.raises(BadInput, match="trailing"):
        video_files.inspect_video(video("mp4") + box + box, name="x")


def test_first_frame_alone_is_a_picture_without_its_end() -> None:
    photo = pictures.decode_photo(still("GIF")[:-1], name="x")
    assert photo.pixels.size == Image.open(io.BytesIO(still("GIF"))).size


def test_recording_without_its_last_page_is_accepted() -> None:
    data = encode_speech("A LONG VOICE NOTE", suffix="ogg")
    assert data.count(b"OggS") > 3
    film = video_files.decode_video(data[: data.rindex(b"OggS")], name="x")
    assert 0 < film.seconds <= video_files.decode_video(data, name="x").seconds
