"""Data of cameras and phones after a picture is dropped; another file after it is refused."""

import io
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from foundation.errors import BadInput
from generators.media import pictures
from tests.generators.builders import a_picture, encoded

SIZE = (96, 64)


def encode_box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def build_mpf_index(count: int) -> bytes:
    """Return the index of a multi-picture file (CIPA DC-007 §5.2) with the fields in use."""
    entries = b"".join(struct.pack("<IIIHH", 0x030000, 100, 0, 0, 0) for _ in range(count))
    tags = (
        struct.pack("<HHI4s", 0xB000, 7, 4, b"0100")
        + struct.pack("<HHII", 0xB001, 4, 1, count)
        + struct.pack("<HHII", 0xB002, 7, len(entries), 50)
    )
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<H", 3) + tags + struct.pack("<I", 0) + entries
    body = b"MPF\0" + tiff
    return b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body


def build_film() -> bytes:
    return (
        encode_box(b"ftyp", b"mp42\0\0\0\0isom")
        + encode_box(b"moov", b"\0" * 40)
        + encode_box(b"mdat", b"\7" * 400)
    )


def build_samsung_trailer(film_bytes: bytes) -> bytes:
    named = b"\0\0\x30\x0a" + struct.pack("<I", 16) + b"MotionPhoto_Data" + film_bytes
    index = b"SEFH" + struct.pack("<II", 106, 1) + struct.pack("<HHII", 0, 0x0A30, len(named), 400)
    return named + index + struct.pack("<I", len(index)) + b"SEFT"


SECOND = encoded(a_picture(seed=9))
TRAILERS: dict[str, Callable[[], bytes]] = {
    "padding": lambda: b"\0" * 4096,
    "a second picture": lambda: SECOND,
    "aligned pictures": lambda: b"\0" * 300 + SECOND + b"\0" * 77 + SECOND + b"\0" * 9,
    "a film": build_film,
    "a film of Samsung": lambda: build_samsung_trailer(build_film()),
    "a number of Huawei": lambda: b"v5_f35\0\0 LIVE_7043821",
    "a note of vivo": lambda: b'vivo{"version":"2","timestamp":1}\0',
}


def decode_photo(data: bytes) -> pictures.DecodedPhoto:
    return pictures.decode_photo(data, name="x")


def refusal_code(data: bytes) -> str:
    with pytest.raises(BadInput) as refused:
        decode_photo(data)
    return refused.value.message.code


@pytest.mark.parametrize("trailer", TRAILERS)
@pytest.mark.parametrize("indexed", [False, True], ids=["plain", "MPF"])
def test_first_picture_is_decoded_and_trailer_is_dropped(trailer: str, indexed: bool) -> None:
    alone = encoded(a_picture())
    first = alone[:2] + build_mpf_index(3) + alone[2:] if indexed else alone
    photo = decode_photo(first + TRAILERS[trailer]())
    assert photo.size == SIZE
    assert photo.pixels.tobytes() == decode_photo(alone).pixels.tobytes()
    left = pictures.render_photo(photo, pictures.POST_PROFILE).data
    assert left == pictures.render_photo(decode_photo(alone), pictures.POST_PROFILE).data


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
@given(padding=st.sampled_from([b"\0", b"\n", b"\xff", b"\0" * 511, b"\r\n\0"]))
def test_padding_after_other_formats_is_dropped(kind: str, padding: bytes) -> None:
    assert decode_photo(encoded(a_picture(), kind) + padding).size == SIZE


HIDDEN = (
    b"PK\x03\x04 an archive",
    b"PK\x05\x06" + b"\0" * 18,
    b"Rar!\x1a\x07\x01",
    b"7z\xbc\xaf\x27\x1c",
    b"%PDF-1.7",
    b"<!DOCTYPE html><p>",
    b"<Script>alert(1)</script>",
    b"<?php echo 1;",
    b"\x7fELF\x02",
)


@given(
    hidden=st.sampled_from(HIDDEN),
    before=st.sampled_from([b"", b"\0" * 64, build_film(), SECOND, b"\n"]),
    after=st.binary(max_size=40),
)
def test_foreign_file_after_picture_is_refused(hidden: bytes, before: bytes, after: bytes) -> None:
    if hidden.startswith(b"PK\x03") and before.strip(b"\0\n"):
        before = b""
    assert refusal_code(encoded(a_picture()) + before + hidden + after) == "photo.trailing"


def test_multi_picture_file_decodes_to_its_first_picture() -> None:
    buffer = io.BytesIO()
    a_picture().save(buffer, "MPO", save_all=True, append_images=[a_picture(seed=2)], quality=90)
    photo = decode_photo(buffer.getvalue())
    assert (photo.mime, photo.size) == ("image/jpeg", SIZE)
    shown = Image.open(io.BytesIO(buffer.getvalue()))
    assert photo.pixels.tobytes() == shown.convert("RGB").tobytes()
