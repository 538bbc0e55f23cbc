"""Uploads: refused files, stripped data and preserved pixels."""

import io
import struct
import warnings
import zlib
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps

from foundation.errors import BadInput
from generators.containers import still_images
from generators.media import perceptual_hashes, pictures
from generators.media.pictures import RenditionProfile
from generators.provenance.generator_metadata import read_generator_metadata
from tests.generators.builders import a_picture, encoded, photographs

JPEG, PNG, WEBP = (encoded(a_picture(), kind) for kind in ("JPEG", "PNG", "WEBP"))
SMALL = RenditionProfile("small", 48)


def refused(data: bytes, name: str = "holiday.jpg") -> str:
    with pytest.raises(BadInput) as caught:
        pictures.decode_photo(data, name=name)
    assert caught.value.message.params["file"] == name
    return caught.value.message.code


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    )


def a_gif(frames: int = 1) -> bytes:
    more = [a_picture(seed=i) for i in range(2, frames + 1)]
    return encoded(a_picture(), "GIF", save_all=frames > 1, append_images=more)


@pytest.mark.parametrize("data", [JPEG, PNG, WEBP], ids=["jpeg", "png", "webp"])
def test_still_picture_is_detected_by_content_not_name(data: bytes) -> None:
    photo = pictures.decode_photo(data, name="picture.exe")
    assert photo.size == (96, 64)
    assert photo.pixels.mode == "RGB"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(a_picture(), "TIFF"), id="tiff"),
        pytest.param(encoded(a_picture(), "BMP"), id="bmp"),
        pytest.param(b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', id="svg"),
        pytest.param(b"<html><script>alert(1)</script></html>", id="html"),
        pytest.param(b"%PDF-1.7 holiday", id="pdf"),
        pytest.param(b"just some words", id="text"),
        pytest.param(b"", id="empty"),
        pytest.param(b"RIFF\x04\x00\x00\x00WAVE", id="wave"),
    ],
)
def test_other_formats_are_refused_by_content(data: bytes) -> None:
    assert refused(data) == "photo.unsupported"


@pytest.mark.parametrize("data", [JPEG, PNG, WEBP], ids=["jpeg", "png", "webp"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 0.99])
def test_truncated_file_is_refused(data: bytes, share: float) -> None:
    assert refused(data[: int(len(data) * share)]) in ("photo.corrupt", "photo.unsupported")


@pytest.mark.parametrize("data", [JPEG, PNG, WEBP], ids=["jpeg", "png", "webp"])
def test_archive_after_the_end_is_refused(data: bytes) -> None:
    assert refused(data + b"PK\x03\x04 an archive") == "photo.trailing"


@pytest.mark.parametrize("data", [PNG, WEBP], ids=["png", "webp"])
def test_picture_after_a_non_camera_picture_is_refused(data: bytes) -> None:
    assert refused(data + JPEG) == "photo.trailing"


def test_picture_behind_an_archive_is_refused() -> None:
    assert refused(b"PK\x03\x04" + JPEG) == "photo.unsupported"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_moving_pictures_are_refused(kind: str) -> None:
    moving = encoded(
        a_picture(), kind, save_all=True, append_images=[a_picture(seed=2)], duration=80
    )
    assert refused(moving) == "photo.animated"


def test_header_claiming_too_many_pixels_is_refused_before_decoding() -> None:
    bomb = (
        png_header(50_000, 50_000)
        + chunk(b"IDAT", zlib.compress(b"\x00" * 10_000_000))
        + chunk(b"IEND", b"")
    )
    assert refused(bomb) == "photo.too_large"


def test_png_whose_pixels_do_not_match_its_header_is_refused() -> None:
    liar = png_header(900, 900) + chunk(b"IDAT", zlib.compress(b"\x00" * 64)) + chunk(b"IEND", b"")
    assert refused(liar) == "photo.corrupt"


def test_jpeg_with_thousands_of_scans_is_refused() -> None:
    progressive = encoded(a_picture(), "JPEG", progressive=True)
    start = progressive.index(b"\xff\xda")
    following = progressive.index(b"\xff\xda", start + 2)
    bomb = progressive[:start] + progressive[start:following] * 100 + progressive[following:]
    assert refused(bomb) == "photo.corrupt"


def test_file_with_countless_empty_parts_is_refused() -> None:
    """Each part costs time here and in the decoder, and 64 MiB hold millions of them."""
    gif = encoded(a_picture(), "GIF")
    webp = WEBP[12:] + b"note\x00\x00\x00\x00" * 200_000
    files = {
        "jpeg": JPEG[:2] + b"\xff\xfe\x00\x02" * 200_000 + JPEG[2:],
        "png": PNG[:-12] + chunk(b"noTe", b"") * 200_000 + PNG[-12:],
        "webp": b"RIFF" + struct.pack("<I", len(webp) + 4) + b"WEBP" + webp,
        "blocks": gif[:-1] + b"\x21\xfe\x00" * 200_000 + gif[-1:],
        "parts": gif[:-1] + b"\x21\xfe" + b"\x01x" * 200_000 + b"\x00" + gif[-1:],
    }
    assert {name: refused(data) for name, data in files.items()} == dict.fromkeys(
        files, "photo.corrupt"
    )


def test_jpeg_markers_are_found_past_stuffing_restarts_and_fill() -> None:
    start = JPEG.rindex(b"\xff\xda")
    scan = start + 2 + int.from_bytes(JPEG[start + 2 : start + 4], "big")
    filled = (
        JPEG[:2]
        + b"\xff" * 1000
        + JPEG[2:scan]
        + b"\xff\x00\xff\xd3\xff\xff\x00" * 9
        + JPEG[scan:-2]
        + b"\xff\xff\xff\xd9"
    )
    assert still_images.inspect_picture(filled, name="x").kind == "JPEG"
    assert pictures.decode_photo(filled[:-1], name="x").size == (96, 64)


@pytest.mark.parametrize("data", [JPEG, PNG, WEBP], ids=["jpeg", "png", "webp"])
@given(at=st.integers(0, 10_000), value=st.integers(0, 255))
def test_damaged_file_is_decoded_or_refused(data: bytes, at: int, value: int) -> None:
    damaged = bytearray(data)
    damaged[at % len(data)] = value
    try:
        photo = pictures.decode_photo(bytes(damaged), name="x")
    except BadInput as error:
        # success and BadInput are fine, other exceptions are not
        assert error.message.code.startswith("photo.")  # noqa: PT017  see above
    else:
        assert photo.pixels.width * photo.pixels.height <= 50_000_000


@given(st.binary(max_size=300))
def test_random_bytes_after_a_signature_are_refused(data: bytes) -> None:
    for start in (
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF" + struct.pack("<I", len(data) + 4) + b"WEBP",
    ):
        with pytest.raises(BadInput):
            pictures.decode_photo(start + data, name="x")


def camera_picture(orientation: int = 6, **details: str) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Camera of Mia"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 51.0, 24.0)
    for name, value in details.items():
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base[name]] = value
    return encoded(
        a_picture(), "JPEG", exif=exif, comment=b"secret place", xmp=b"<x>secret place</x>"
    )


def test_camera_picture_is_rotated_and_stripped() -> None:
    photo = pictures.decode_photo(camera_picture(), name="x.jpg")
    assert photo.size == (64, 96)
    assert photo.had_location
    for profile in (
        RenditionProfile("j", 64),
        RenditionProfile("w", 64, "image/webp"),
        RenditionProfile("p", 64, "image/png"),
    ):
        rendered = pictures.render_photo(photo, profile)
        again = Image.open(io.BytesIO(rendered.data))
        assert again.size == (rendered.width, rendered.height) == (43, 64)
        assert not again.getexif()
        assert not {"xmp", "icc_profile", "comment"} & set(again.info)
        assert b"secret" not in rendered.data
        assert b"Camera" not in rendered.data


def test_capture_time_is_read_before_stripping() -> None:
    data = camera_picture(DateTimeOriginal="2025:07:14 21:30:05", OffsetTimeOriginal="-04:00")
    taken = pictures.decode_photo(data, name="x").taken
    assert taken is not None
    assert taken.zone == timezone(timedelta(hours=-4))
    assert taken.to_utc(UTC) == datetime(2025, 7, 15, 1, 30, 5, tzinfo=UTC)


def test_capture_time_without_a_zone_uses_the_creators() -> None:
    taken = pictures.decode_photo(
        camera_picture(DateTimeOriginal="2025:07:14 21:30:05"), name="x"
    ).taken
    assert taken is not None
    assert taken.zone is None
    assert taken.to_utc(ZoneInfo("Europe/Paris")) == datetime(2025, 7, 14, 19, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "nonsense",
    [
        "0000:00:00 00:00:00",
        "0001:01:01 00:00:00",
        "9999:12:31 23:59:59",
        "yesterday",
        "2025:13:40 99:00:00",
    ],
)
def test_unset_camera_clock_gives_no_date(nonsense: str) -> None:
    assert pictures.decode_photo(camera_picture(DateTimeOriginal=nonsense), name="x").taken is None


@pytest.mark.parametrize("nowhere", ["+99:00", "+24:00", "-02:75", "local"])
def test_invalid_zone_does_not_fail_the_picture(nowhere: str) -> None:
    taken = pictures.decode_photo(
        camera_picture(DateTimeOriginal="2025:07:14 21:30:05", OffsetTimeOriginal=nowhere), name="x"
    ).taken
    assert taken is not None
    assert taken.zone is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_is_rotated_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = encoded(Image.effect_noise((96, 64), 80).convert("RGB"), "PNG", exif=exif)
    wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    found = pictures.decode_photo(data, name="x").pixels
    assert (found.size, found.tobytes()) == (wanted.size, wanted.tobytes())


def garbled(*entries: tuple[int, int, int, int], head: bytes = b"II*\x00\x08\x00\x00\x00") -> bytes:
    """Return a JPEG with these EXIF entries: tag, type, count, value."""
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return encoded(
        a_picture(),
        "JPEG",
        exif=b"Exif\x00\x00" + head + struct.pack("<H", len(entries)) + directory + b"\x00" * 4,
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            garbled((0x0112, 3, 1, 6), (0x010F, 5, 1, 0)), id="a maker that is a fraction"
        ),
        pytest.param(garbled((0x0112, 3, 1, 6), (0x010F, 12, 1, 0)), id="a maker that is a number"),
        pytest.param(
            garbled((0x0112, 3, 1, 6), (0x011A, 2, 4, 0x41424344)), id="a resolution in letters"
        ),
        pytest.param(
            garbled((0x0112, 3, 1, 6), (0x8769, 2, 4, 0x41424344)), id="details that lie nowhere"
        ),
        pytest.param(
            garbled((0x0112, 3, 1, 6), (0x8825, 11, 1, 0)), id="a place that lies nowhere"
        ),
    ],
)
def test_wrong_exif_types_do_not_fail_the_picture(data: bytes) -> None:
    assert pictures.decode_photo(data, name="x").size == (64, 96)


@pytest.mark.parametrize("head", [b"II", b"II*\x00\x08", b"XX*\x00", b"II*\x00\xff\xff\xff\xff"])
def test_truncated_exif_is_ignored(head: bytes) -> None:
    photo = pictures.decode_photo(
        encoded(a_picture(), "JPEG", exif=b"Exif\x00\x00" + head), name="x"
    )
    assert (photo.size, photo.taken, photo.had_location) == ((96, 64), None, False)


@settings(max_examples=150, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), min_size=1, max_size=8)
)
def test_damaged_exif_does_not_fail_the_picture(changes: list[tuple[int, int]]) -> None:
    exif = bytearray(
        Image.open(io.BytesIO(camera_picture(DateTimeOriginal="2025:07:14 21:30:05"))).info["exif"]
    )
    for at, value in changes:
        exif[6 + at % (len(exif) - 6)] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert sorted(
            pictures.decode_photo(encoded(a_picture(), "JPEG", exif=bytes(exif)), name="x").size
        ) == [64, 96]


@pytest.mark.parametrize(("shown", "hidden"), [(1, False), (9, True)])
def test_differing_thumbnail_is_detected(shown: int, hidden: bool) -> None:
    small = encoded(a_picture(64, 43, seed=shown), "JPEG")
    tiff = b"II*\x00\x08\x00\x00\x00" + struct.pack("<HI", 0, 14)
    entries = ((0x0103, 3, 6), (0x0201, 4, 14 + 2 + 36 + 4), (0x0202, 4, len(small)))
    directory = struct.pack("<H", 3) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries
    )
    data = encoded(
        a_picture(), "JPEG", exif=b"Exif\x00\x00" + tiff + directory + b"\x00" * 4 + small
    )
    assert pictures.decode_photo(data, name="x").hidden_preview is hidden


def test_generator_prompts_become_lineage_and_are_stripped() -> None:
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("parameters", "a beach, steps: 20")
    data = encoded(a_picture(), "PNG", pnginfo=notes)
    assert read_generator_metadata(data).texts == {"parameters": "a beach, steps: 20"}
    photo = pictures.decode_photo(data, name="x.png")
    assert b"steps" not in pictures.render_photo(photo, RenditionProfile("p", 96, "image/png")).data


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK", "1", "I;16"])
def test_every_colour_mode_becomes_a_jpeg(mode: str) -> None:
    image = a_picture().convert(mode) if mode != "I;16" else Image.new("I;16", (96, 64), 40_000)
    data = encoded(image, "JPEG" if mode == "CMYK" else "PNG")
    rendered = pictures.render_photo(pictures.decode_photo(data, name="x"), SMALL)
    again = Image.open(io.BytesIO(rendered.data))
    assert (again.mode, again.size) == ("RGB", (48, 32))


def test_transparency_is_flattened_on_the_given_colour() -> None:
    photo = pictures.decode_photo(
        encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "PNG"), name="x"
    )
    assert pictures.flatten_on(photo.pixels, (0, 0, 0)).getpixel((4, 4)) == (0, 0, 0)
    assert pictures.flatten_on(photo.pixels, (255, 255, 255)).getpixel((4, 4)) == (255, 255, 255)


def test_same_photo_and_profile_give_the_same_bytes() -> None:
    photo = pictures.decode_photo(JPEG, name="x")
    assert pictures.render_photo(photo, SMALL) == pictures.render_photo(
        pictures.decode_photo(JPEG, name="y"), SMALL
    )
    assert pictures.render_photo(photo, RenditionProfile("big", 4000)).width == 96  # never enlarged


def test_hashes_are_near_for_copies_and_far_for_others() -> None:
    photo = pictures.decode_photo(encoded(a_picture(640, 480), "PNG"), name="x")
    large, small = (
        pictures.render_photo(photo, RenditionProfile("l", 640)),
        pictures.render_photo(photo, RenditionProfile("s", 160, "image/webp", 30)),
    )
    other = pictures.render_photo(
        pictures.decode_photo(encoded(a_picture(640, 480, seed=5), "PNG"), name="x"),
        RenditionProfile("l", 640),
    )
    assert (
        perceptual_hashes.hamming_distance(large.phash, small.phash)
        <= perceptual_hashes.SAME_DISTANCE
    )
    assert (
        perceptual_hashes.hamming_distance(large.dhash, small.dhash)
        <= perceptual_hashes.SAME_DISTANCE
    )
    assert (
        perceptual_hashes.hamming_distance(large.phash, other.phash)
        > perceptual_hashes.NEAR_DISTANCE
    )


def test_real_photographs_are_processed() -> None:
    for path in photographs():
        photo = pictures.decode_photo(path.read_bytes(), name=path.name)
        rendered = pictures.render_photo(photo, pictures.PREVIEW_PROFILE)
        again = pictures.decode_photo(rendered.data, name="again")
        assert max(again.size) <= pictures.PREVIEW_PROFILE.max_edge
        assert (
            perceptual_hashes.hamming_distance(
                rendered.phash, perceptual_hashes.phash(photo.pixels)
            )
            <= perceptual_hashes.SAME_DISTANCE
        )


@pytest.mark.heavy
def test_heavy_picture_loses_quality_before_size() -> None:
    noise = Image.effect_noise((2600, 2600), 90).convert("RGB")
    buffer = io.BytesIO()
    noise.save(buffer, "JPEG", quality=95)
    photo = pictures.decode_photo(buffer.getvalue(), name="noise.jpg")
    made = pictures.render_photo(photo, pictures.POST_PROFILE)
    assert len(made.data) <= pictures.POST_PROFILE.max_bytes
    assert made.data == pictures.render_photo(photo, pictures.POST_PROFILE).data
    light = pictures.render_photo(pictures.decode_photo(made.data, name="x"), pictures.POST_PROFILE)
    assert max(light.width, light.height) == max(made.width, made.height), (
        "a picture that fits keeps its size"
    )
