"""Colours become sRGB, whatever form they are stated in."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from generators.containers import still_images
from generators.containers.color_codes import ColorCode, read_profile_color
from generators.media import colors, pictures
from generators.video import video_files
from tests.generators.builders import encoded
from tests.generators.video.test_camera_films import convert_video
from tests.generators.video_builders import build_frames, encode_video

PQ = 16
HLG = 18


def png_with(image: Image.Image, kind: bytes, body: bytes, *, after: int = 33) -> bytes:
    """Return the picture as a PNG with one more chunk behind its header."""
    data = encoded(image, "PNG")
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data[:after] + chunk + data[after:]


def cicp_png(image: Image.Image, primaries: int, transfer: int) -> bytes:
    return png_with(image, b"cICP", bytes([primaries, transfer, 0, 1]))


def coded_avif(image: Image.Image, primaries: int, transfer: int) -> bytes:
    """Return the picture as an AVIF with these code points in `colr`."""
    data = encoded(image, "AVIF", quality=100, subsampling="4:4:4")
    at = data.index(b"nclx") + 4
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def icc_profile(space: bytes, gamma: float, *, cicp: bytes = b"") -> bytes:
    """Return a small ICC profile: grey with a gamma, or sRGB; with a `cicp` tag on request."""
    if space == b"RGB ":
        return bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    white = b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(v * 65536) for v in (0.9642, 1, 0.8249)))
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = {b"wtpt": white, b"kTRC": curve}
    if cicp:
        tags[b"cicp"] = b"cicp\0\0\0\0" + cicp
    at = 132 + 12 * len(tags)
    table = struct.pack(">I", len(tags))
    body = b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(content))
        body += content
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"lcms", 0x04300000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += struct.pack(">iii", *(round(v * 65536) for v in (0.9642, 1, 0.8249)))
    return head.ljust(128, b"\0") + table + body


def grey(level: int, mode: str = "RGB") -> Image.Image:
    return Image.new("L", (32, 32), level).convert(mode)


def shown(data: bytes) -> tuple[int, ...]:
    pixel = pictures.decode_photo(data, name="x").pixels.getpixel((9, 9))
    assert isinstance(pixel, tuple)
    return tuple(int(level) for level in pixel)


def frame_of_video(level: int, transfer: str) -> int:
    """Return the grey level that the filter of videos shows for an RGB level in HDR."""
    luma = round(level / 255 * 876 + 64)
    flat = f"format=yuv420p10le,geq=lum={luma}:cb=512:cr=512"
    tags = f"setparams=range=tv:colorspace=bt2020nc:color_primaries=bt2020:color_trc={transfer}"
    film = encode_video(build_frames(("G", 0.2)))
    more = ("-c:v", "libx264", "-pix_fmt", "yuv420p10le", "-preset", "ultrafast", "-qp", "4")
    data = convert_video(film, "-i", "in", "-vf", f"{flat},{tags}", *more)
    image = video_files.decode_video(data, name="x").looked.frames[0].to_image()
    pixel = image.convert("L").getpixel((64, 64))
    assert isinstance(pixel, int)
    return pixel


@pytest.mark.parametrize(("transfer", "name"), [(PQ, "smpte2084"), (HLG, "arib-std-b67")])
@pytest.mark.parametrize("level", [90, 143])
def test_hdr_still_looks_like_a_frame_of_an_hdr_video(transfer: int, name: str, level: int) -> None:
    video = frame_of_video(level, name)
    for data in (
        cicp_png(grey(level), 9, transfer),
        coded_avif(grey(level), 9, transfer),
        encoded(
            grey(level), "PNG", icc_profile=icc_profile(b"GRAY", 1, cicp=bytes([9, transfer, 0, 1]))
        ),
        encoded(
            grey(level, "L"),
            "WEBP",
            icc_profile=icc_profile(b"GRAY", 1, cicp=bytes([9, transfer, 0, 1])),
        ),
    ):
        assert all(abs(seen - video) <= 5 for seen in shown(data)), (shown(data), video)


def test_transparency_survives_a_conversion() -> None:
    clear = Image.new("RGBA", (32, 32), (143, 143, 143, 77))
    assert shown(cicp_png(clear, 9, PQ))[3] == 77


@pytest.mark.parametrize("make", [cicp_png, coded_avif])
@pytest.mark.parametrize(
    ("primaries", "transfer", "red"),
    [
        (1, 13, (200, 60, 60)),
        (2, 2, (200, 60, 60)),
        (12, 13, (216, 41, 52)),
        (9, 13, (247, 0, 53)),
    ],
)
def test_wide_colours_become_srgb(make, primaries: int, transfer: int, red) -> None:  # type: ignore[no-untyped-def]  # two builders
    seen = shown(make(Image.new("RGB", (32, 32), (200, 60, 60)), primaries, transfer))
    assert all(abs(level - wanted) <= 6 for level, wanted in zip(seen, red, strict=True)), seen


LINEAR = 137
"""The sRGB level of a quarter of the light, which a linear profile stores as 64."""


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("mode", ["L", "LA"])
def test_profile_of_a_grey_picture_is_applied(kind: str, mode: str) -> None:
    image = grey(64, mode)
    if kind == "JPEG":
        image = image.convert("L")
    more = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(image, kind, icc_profile=icc_profile(b"GRAY", 1.0), **more)
    if Image.open(io.BytesIO(data)).mode in ("RGB", "RGBA"):
        # This format stores grey as RGB, to which the profile does not belong.
        assert abs(shown(data)[0] - 64) <= 2
    else:
        assert abs(shown(data)[0] - LINEAR) <= 2


def test_profile_of_16_bit_grey_is_applied() -> None:
    deep = Image.fromarray(np.full((8, 32), 64 * 257, np.uint16))
    assert (
        abs(
            shown(encoded(deep.resize((32, 32)), "PNG", icc_profile=icc_profile(b"GRAY", 1.0)))[0]
            - LINEAR
        )
        <= 2
    )


@pytest.mark.parametrize(
    ("mode", "profile"),
    [("L", icc_profile(b"RGB ", 0)), ("RGB", icc_profile(b"GRAY", 1.0)), ("L", b"damaged")],
    ids=["RGB on grey", "grey on RGB", "damaged"],
)
def test_profile_that_does_not_fit_changes_nothing(mode: str, profile: bytes) -> None:
    assert abs(shown(encoded(grey(64, mode), "PNG", icc_profile=profile))[0] - 64) <= 1


def test_rgb_profile_on_inks_is_ignored() -> None:
    inks = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    plain = shown(encoded(inks, "JPEG", quality=95))
    assert shown(encoded(inks, "JPEG", quality=95, icc_profile=icc_profile(b"RGB ", 0))) == plain


def test_code_points_of_a_png_win_over_its_profile() -> None:
    image = grey(143)
    with_profile = encoded(image, "PNG", icc_profile=icc_profile(b"RGB ", 0))
    body = bytes([9, PQ, 0, 1])
    chunk = struct.pack(">I", 4) + b"cICP" + body + struct.pack(">I", zlib.crc32(b"cICP" + body))
    assert shown(with_profile[:33] + chunk + with_profile[33:]) == shown(cicp_png(image, 9, PQ))


@pytest.mark.parametrize(("gamma", "level"), [(1.0, LINEAR), (1 / 2.2, 64), (1 / 1.8, 83)])
def test_gamma_of_a_png_is_applied(gamma: float, level: int) -> None:
    data = png_with(grey(64), b"gAMA", struct.pack(">I", round(gamma * 100_000)))
    assert abs(shown(data)[0] - level) <= 2


def test_code_points_are_read_from_their_places() -> None:
    assert still_images.inspect_picture(cicp_png(grey(9), 9, PQ), name="x").color == ColorCode(
        9, PQ
    )
    assert read_profile_color(icc_profile(b"GRAY", 1, cicp=bytes([9, HLG, 0, 1]))) == ColorCode(
        9, HLG
    )
    assert read_profile_color(b"x" * 200) is None
    assert colors.to_srgb(grey(64), ColorCode(99, 99)).getpixel((1, 1)) == (64, 64, 64)
