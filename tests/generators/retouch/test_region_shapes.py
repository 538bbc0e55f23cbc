"""Regions as shapes: their masks, their stored form, and refused input."""

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from foundation.errors import BadInput
from generators.retouch import masks, region_shapes
from generators.retouch.masks import MaskRegion
from generators.retouch.region_shapes import parse_shape_lines, parse_shapes, shapes_to_json
from tests.generators.builders import a_picture, encoded

LINES = """
rectangle 0 0 20 50
ellipse 40 40 80 80
polygon 80,0 100,0 100,20
stroke 6 10,90 50,95.5
"""


def grid(lines: str, size: tuple[int, int] = (200, 100)) -> np.ndarray:
    return np.asarray(region_shapes.draw_shapes(parse_shape_lines(lines), *size)) == 255


def test_each_shape_is_white_and_shapes_are_united() -> None:
    whole = grid(LINES)
    assert np.array_equal(
        whole, np.any([grid(line) for line in LINES.strip().splitlines()], axis=0)
    )
    assert grid("rectangle 0 0 20 50").sum() == 40 * 50
    assert abs(grid("ellipse 40 40 80 80").sum() - np.pi * 40 * 20) < 100
    assert whole[60, 120], "the centre of the ellipse"
    assert not whole[41, 82], "its corner"
    assert whole[5, 195], "in the triangle"
    assert not whole[18, 165], "next to the triangle"
    assert whole[90, 20], "the start of the brush stroke"
    assert not whole[80, 60], "next to the brush stroke"
    assert grid("rectangle 60 50 20 0").sum() == 80 * 50, (
        "corners in reverse order give the same rectangle"
    )


def test_eraser_affects_earlier_shapes_only() -> None:
    whole, erased = grid(LINES), grid(f"{LINES}eraser 10 50,60 70,60")
    assert (erased <= whole).all()
    assert whole[60, 120]
    assert not erased[60, 120], "the centre of the ellipse"
    assert erased[45, 120], "next to the eraser"
    assert np.array_equal(grid(f"eraser 10 50,60 70,60\n{LINES}"), whole), (
        "an eraser before any shape has no effect"
    )
    with pytest.raises(BadInput, match=r"job\.mask_small"):
        masks.check_part(parse_shape_lines("ellipse 40 40 60 60\neraser 50 50,50"))


def test_stored_region_is_read_back_unchanged() -> None:
    found = (
        *parse_shape_lines(f"{LINES}eraser 3 10,90"),
        region_shapes.mask_from_picture(_drawn(), name="mask.png"),
    )
    assert parse_shapes(shapes_to_json(found)) == found
    assert masks.part_from_json(masks.part_to_json(found)) == found
    assert masks.part_from_json({"left": 1, "top": 2, "right": 30, "bottom": 40}) == MaskRegion(
        1, 2, 30, 40
    )


def _drawn(size: tuple[int, int] = (1000, 500), mode: str = "RGBA") -> bytes:
    """Return a white disc on a transparent picture."""
    image = Image.new(mode, size)
    ImageDraw.Draw(image).ellipse((300, 100, 700, 400), fill="white")
    return encoded(image, "PNG")


def test_drawn_mask_is_white_where_the_picture_is_light() -> None:
    found = region_shapes.mask_from_picture(_drawn(), name="mask.png")
    assert max(found.width, found.height) == region_shapes.MAX_MASK_SIDE
    assert len(found.bits) < 2000
    made = masks.mask_for_picture((found,), encoded(a_picture(1000, 500), "PNG"))
    grey = np.asarray(Image.open(io.BytesIO(made)))
    wanted = np.asarray(Image.open(io.BytesIO(_drawn())).convert("L"))
    assert set(np.unique(grey)) == {0, 255}
    assert (grey != wanted).mean() < 0.005, "only the edge differs, by less than two pixels"


@pytest.mark.parametrize(
    "lines",
    [
        *(
            "circle 1 2 3",
            "ellipse 1 2 3",
            "rectangle 1 2 3 4 5",
            "polygon 1,1 2,2",
            "stroke 4",
            "stroke",
        ),
        *(
            "ellipse a b c d",
            "rectangle 0 0 101 5",
            "ellipse nan 0 9 9",
            "stroke 90 1,1 2,2",
            "polygon 1,2,3 4,5 6,7",
        ),
        "\n".join(["ellipse 0 0 9 9"] * 41),
    ],
)
def test_invalid_shape_lines_are_refused(lines: str) -> None:
    with pytest.raises(BadInput, match=r"job\.mask_wrong"):
        parse_shape_lines(lines)


def test_error_names_the_line() -> None:
    with pytest.raises(BadInput) as refused:
        parse_shape_lines("ellipse 0 0 9 9\n\ncircle 1")
    assert refused.value.message.params["number"] == 2


def test_almost_empty_region_is_refused() -> None:
    for part in (
        parse_shape_lines("stroke 0.5 50,50"),
        parse_shape_lines("rectangle 10 10 10 90"),
        (),
    ):
        with pytest.raises(BadInput, match=r"job\.mask_small"):
            masks.check_part(part)
    masks.check_part(parse_shape_lines("ellipse 0 0 10 10"))
    black = region_shapes.mask_from_picture(
        encoded(Image.new("L", (64, 64)), "PNG"), name="black.png"
    )
    with pytest.raises(BadInput, match=r"job\.mask_small"):
        masks.check_part((black,))


def _bomb() -> bytes:
    """Return a PNG of a few kilobytes that claims to be 60,000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\x00" * 1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"no picture", "photo.unsupported"),
        (_bomb(), "photo.too_large"),
        (_drawn()[:-20], "photo.corrupt"),
        (_drawn() + b"<script>", "photo.trailing"),
    ],
)
def test_hostile_mask_files_are_refused_like_uploads(data: bytes, code: str) -> None:
    with pytest.raises(BadInput, match=code):
        region_shapes.mask_from_picture(data, name="mask.png")


def test_noise_is_refused_as_mask() -> None:
    noise = Image.fromarray(
        np.random.default_rng(1).integers(0, 2, (600, 600), dtype=np.uint8) * 255
    )
    with pytest.raises(BadInput, match=r"job\.mask_busy"):
        region_shapes.mask_from_picture(encoded(noise, "PNG"), name="noise.png")


@pytest.mark.parametrize("bits", ["", "????", "A", "é", "\x00", "eJwDAAAAAAE=", "x" * 40_001])
def test_invalid_bits_are_refused(bits: str) -> None:
    with pytest.raises(BadInput, match=r"job\.mask_(unread|wrong)"):
        masks.check_part(parse_shapes([{"kind": "drawn", "width": 64, "height": 64, "bits": bits}]))


def test_decompression_bomb_is_refused() -> None:
    packed = base64.b64encode(zlib.compress(b"\xff" * 20_000_000, 9)).decode()
    assert len(packed) < region_shapes.MAX_BYTES
    with pytest.raises(BadInput, match=r"job\.mask_unread"):
        masks.check_part(
            parse_shapes([{"kind": "drawn", "width": 512, "height": 512, "bits": packed}])
        )
