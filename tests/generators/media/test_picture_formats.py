"""Stills of phones and browsers: HEIC, AVIF, GIF, and colours other than sRGB."""

import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from foundation.errors import BadInput
from generators.media import pictures
from generators.video import video_files
from tests.generators.builders import a_picture, encoded
from tests.generators.media.heic_files import box, heic

AVIF = encoded(a_picture(), "AVIF", quality=90)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("coded")


@pytest.fixture(scope="module")
def plain(folder: Path) -> bytes:
    return heic(a_picture(), folder)


def refused(data: bytes) -> str:
    with pytest.raises(BadInput) as caught:
        pictures.decode_photo(data, name="IMG_0001.HEIC")
    assert caught.value.message.params["file"] == "IMG_0001.HEIC"
    return caught.value.message.code


def apart(one: Image.Image, other: Image.Image) -> float:
    assert one.size == other.size
    return float(np.abs(np.asarray(one, int) - np.asarray(other, int)).mean())


@pytest.mark.parametrize(
    ("tile", "turns", "mirror"), [(0, 0, None), (64, 1, None), (64, 2, None), (0, 3, 1)]
)
def test_heic_is_decoded_upright_with_and_without_tiles(
    folder: Path, tile: int, turns: int, mirror: int | None
) -> None:
    image = a_picture(160, 96)
    photo = pictures.decode_photo(
        heic(image, folder, tile=tile, turns=turns, mirror=mirror), name="x"
    )
    wanted = image.rotate(90 * turns, expand=True)
    if mirror:
        wanted = wanted.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert photo.mime == "image/heic"
    assert apart(photo.pixels, wanted) < 3


def test_avif_with_countless_empty_boxes_is_refused() -> None:
    assert refused(AVIF + b"\x00\x00\x00\x08free" * 200_000) == "photo.corrupt"


def test_heic_metadata_is_read_and_stripped(folder: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # HEIC readers use only its boxes for the orientation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:01 12:00:00"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    photo = pictures.decode_photo(heic(a_picture(), folder, exif=exif.tobytes()[6:]), name="x")
    assert photo.size == (96, 64)
    assert photo.had_location
    assert photo.taken is not None
    assert b"2024:05:01" not in pictures.render_photo(photo, pictures.POST_PROFILE).data


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "exif", [b"II", b"II*\0\x08", b"II*\0\x08\0\0\0\x01\0\x0f\x01\x05\0\x01\0\0\0\0\0\0\0"]
)
def test_garbled_exif_does_not_fail_a_heic(folder: Path, exif: bytes) -> None:
    assert pictures.decode_photo(heic(a_picture(), folder, exif=exif), name="x").size == (96, 64)


def test_colour_profile_of_a_heic_becomes_srgb(folder: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = bytearray(lab)  # swap red and green
    red, green = swapped.index(b"rXYZ", 128), swapped.index(b"gXYZ", 128)
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    photo = pictures.decode_photo(
        heic(Image.new("RGB", (64, 64), (250, 0, 0)), folder, icc=bytes(swapped)), name="x"
    )
    # getpixel returns a tuple for RGB pictures
    red_seen, green_seen, _ = photo.pixels.getpixel((32, 32))  # type: ignore[misc]  # see above
    assert green_seen > 200 > red_seen


@pytest.mark.parametrize("brand", [b"msf1", b"hevc", b"avis"])
def test_sequences_are_refused(folder: Path, brand: bytes) -> None:
    assert refused(heic(a_picture(), folder, brand=brand)) == "photo.animated"


@pytest.mark.parametrize(
    "more",
    [
        b"PK\x03\x04 an archive",
        box(b"what", b"PK\x03\x04 an archive"),
        box(b"ftyp", b"mp42"),
    ],
)
def test_other_file_in_or_after_a_heic_is_refused(plain: bytes, more: bytes) -> None:
    assert refused(plain + more) in ("photo.trailing", "photo.corrupt")
    assert refused(AVIF + more) in ("photo.trailing", "photo.corrupt")


@pytest.mark.parametrize(
    "more",
    [
        box(b"mpvd", b"a film"),
        box(b"sefd", b"x"),
        box(b"what", b"a note"),
        box(b"uuid", b"x" * 20),
        b"vendor: 1",
        b"\0" * 99,
        b"\0",
    ],
)
def test_vendor_data_after_a_heic_is_dropped(plain: bytes, more: bytes) -> None:
    for data in (plain, AVIF):
        photo = pictures.decode_photo(data + more, name="x")
        assert photo.pixels == pictures.decode_photo(data, name="x").pixels


def test_heic_claiming_too_many_pixels_is_refused_before_decoding(folder: Path) -> None:
    assert refused(heic(a_picture(), folder, claims=(60_000, 60_000))) == "photo.too_large"


def test_heic_whose_pixels_do_not_match_its_boxes_is_refused(folder: Path) -> None:
    assert refused(heic(a_picture(), folder, claims=(900, 900))) == "photo.corrupt"


def test_oversized_metadata_is_refused(folder: Path) -> None:
    assert refused(heic(a_picture(), folder, icc=b"\0" * (5 * 2**20))) == "photo.too_heavy"


@pytest.mark.parametrize("share", [0.05, 0.4, 0.99])
def test_truncated_still_is_refused(plain: bytes, share: float) -> None:
    for data in (plain, AVIF):
        assert refused(data[: int(len(data) * share)]) in (
            "photo.corrupt",
            "photo.unsupported",
            "photo.trailing",
        )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, 600), value=st.integers(0, 255))
def test_damaged_avif_is_decoded_or_refused(at: int, value: int) -> None:
    damaged = bytearray(AVIF)
    damaged[at % len(damaged)] = value
    with suppress(BadInput):
        if not video_files.is_video_or_audio(bytes(damaged)):
            pictures.decode_photo(bytes(damaged), name="x")


@pytest.mark.parametrize("at", range(28, 380, 16))
def test_damaged_heic_is_decoded_or_refused(plain: bytes, at: int) -> None:
    damaged = bytearray(plain)
    damaged[at] ^= 0xFF
    with suppress(BadInput):
        pictures.decode_photo(bytes(damaged), name="x")


def test_avif_keeps_transparency_and_orientation() -> None:
    clear = a_picture(mode="RGBA")
    assert pictures.decode_photo(encoded(clear, "AVIF", quality=90), name="x").pixels.mode == "RGBA"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    turned = pictures.decode_photo(encoded(a_picture(), "AVIF", quality=90, exif=exif), name="x")
    assert turned.size == (64, 96)
    assert apart(turned.pixels, a_picture().rotate(-90, expand=True)) < 4


def test_gif_is_a_picture_only_with_a_single_frame() -> None:
    photo = pictures.decode_photo(encoded(a_picture(), "GIF"), name="x")
    assert (photo.size, photo.mime) == ((96, 64), "image/gif")
    moving = encoded(
        a_picture(), "GIF", save_all=True, append_images=[a_picture(seed=2)], duration=80
    )
    assert refused(moving) == "photo.animated"


def test_gif_with_hidden_data_or_false_size_is_refused() -> None:
    good = encoded(a_picture(), "GIF")
    assert refused(good + b"PK\x03\x04") == "photo.trailing"
    assert refused(good[:-30]) == "photo.corrupt"
    assert refused(b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0, 0, 0) + good[13:]) in (
        "photo.too_large",
        "photo.corrupt",
    )


def test_cmyk_and_16_bit_colours_become_srgb() -> None:
    ink = pictures.decode_photo(
        encoded(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG"), name="x"
    )
    red, green, blue = ink.pixels.getpixel((9, 9))  # type: ignore[misc]  # a pixel of RGB
    assert ink.pixels.mode == "RGB"
    assert red > 200 > max(green, blue)
    deep = Image.fromarray(np.full((8, 8), 40_000, np.uint16))
    assert pictures.decode_photo(encoded(deep, "PNG"), name="x").pixels.getpixel((1, 1)) == (
        156,
        156,
        156,
    )


def test_provenance_box_in_a_heic_is_accepted(plain: bytes) -> None:
    mark = box(b"uuid", bytes.fromhex("d8fec3d61b0e483c92975828877ec481"), b"a manifest")
    assert pictures.decode_photo(plain + mark, name="x").size == (96, 64)
