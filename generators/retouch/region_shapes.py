"""Which part of a picture is made anew, as several shapes: rectangles, ellipses, polygons, strokes
of a brush and of an eraser, and the picture of a mask that somebody drew elsewhere. Data, in
percent of a picture's sides from its left and its top, drawn in their order: an eraser takes from
what came before it.
"""

import base64
import binascii
import io
import zlib
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from PIL import Image, ImageDraw
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from foundation.errors import BadInput
from generators.media import pictures

MAX_SHAPES = 40
MAX_POINTS = 400
MAX_MASK_SIDE = 512
"""Pixels of the longer side of a drawn mask that is kept: its edge is soft in the picture
anyway."""

MAX_BYTES = 40_000
"""Of such a mask, packed and written in base64; a thousand specks take less."""

MIN_AREA = 0.0025
"""Of the picture: less is a few pixels for a model, and nothing comes of it. As a rectangle of five
percent's sides."""

_PROBE = 400
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Point = tuple[Percent, Percent]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Box(_Shape):
    left: Percent
    top: Percent
    right: Percent
    bottom: Percent

    def _pixel_corners(self, size: tuple[int, int]) -> list[float]:
        left, right = sorted((self.left, self.right))
        top, bottom = sorted((self.top, self.bottom))
        return [
            left * size[0] / 100,
            top * size[1] / 100,
            right * size[0] / 100 - 1,
            bottom * size[1] / 100 - 1,
        ]


class RectangleShape(_Box):
    """A rectangle, by its sides."""

    kind: Literal["rectangle"]

    def draw(self, mask: Image.Image) -> None:
        """White on a mask of the picture's size."""
        box = self._pixel_corners(mask.size)
        if box[2] >= box[0] and box[3] >= box[1]:
            ImageDraw.Draw(mask).rectangle(box, fill=255)


class Ellipse(_Box):
    """What fits into such a rectangle."""

    kind: Literal["ellipse"]

    def draw(self, mask: Image.Image) -> None:
        """As `Rectangle.draw`."""
        box = self._pixel_corners(mask.size)
        if box[2] >= box[0] and box[3] >= box[1]:
            ImageDraw.Draw(mask).ellipse(box, fill=255)


class Polygon(_Shape):
    """The inside of a line that closes."""

    kind: Literal["polygon"]
    points: Annotated[list[Point], Field(min_length=3, max_length=MAX_POINTS)]

    def draw(self, mask: Image.Image) -> None:
        """As `Rectangle.draw`."""
        ImageDraw.Draw(mask).polygon(_to_pixels(self.points, mask.size), fill=255)


class _Brush(_Shape):
    points: Annotated[list[Point], Field(min_length=1, max_length=MAX_POINTS)]
    width: Annotated[float, Field(ge=0.5, le=50, allow_inf_nan=False)]
    _level: ClassVar[int] = 255

    def draw(self, mask: Image.Image) -> None:
        """Where it went, on a mask of the picture's size."""
        pen = ImageDraw.Draw(mask)
        wide = max(self.width * min(mask.size) / 100, 1)
        line = _to_pixels(self.points, mask.size)
        pen.line(line, fill=self._level, width=round(wide))
        for across, down in line:  # the ends, and the joints, are round
            pen.ellipse(
                (across - wide / 2, down - wide / 2, across + wide / 2, down + wide / 2),
                fill=self._level,
            )


class Stroke(_Brush):
    """Where a round brush went; `width` in percent of the picture's shorter side."""

    kind: Literal["stroke"]


class Eraser(_Brush):
    """Where a round brush took away what came before it; `width` as of a stroke."""

    kind: Literal["eraser"]
    _level: ClassVar[int] = 0


class DrawnMask(_Shape):
    """A mask that was drawn elsewhere, kept as one bit a pixel: `bits` are its rows, packed by
    zlib, in base64."""

    kind: Literal["drawn"]
    width: Annotated[int, Field(ge=1, le=MAX_MASK_SIDE)]
    height: Annotated[int, Field(ge=1, le=MAX_MASK_SIDE)]
    bits: Annotated[str, Field(max_length=MAX_BYTES, pattern=r"^[A-Za-z0-9+/=]*$")]

    def draw(self, mask: Image.Image) -> None:
        """As `Rectangle.draw`. Raises BadInput for bits that are none."""
        rows = -(-self.width // 8) * self.height
        try:
            unpacked = zlib.decompressobj().decompress(
                base64.b64decode(self.bits, validate=True), rows + 1
            )
        except (binascii.Error, zlib.error) as error:
            raise BadInput("job.mask_unread") from error
        if len(unpacked) != rows:
            raise BadInput("job.mask_unread")
        grey = Image.frombytes("1", (self.width, self.height), unpacked).convert("L")
        whole = grey.resize(mask.size, Image.Resampling.BILINEAR).point(
            lambda level: 255 if level >= 128 else 0
        )
        mask.paste(255, (0, 0), whole)


MaskShape = Annotated[
    RectangleShape | Ellipse | Polygon | Stroke | Eraser | DrawnMask, Field(discriminator="kind")
]
MaskShapes = Annotated[list[MaskShape], Field(max_length=MAX_SHAPES)]
_READ: TypeAdapter[list[MaskShape]] = TypeAdapter(MaskShapes)


def parse_shapes(raw: object) -> tuple[MaskShape, ...]:
    """Shapes as they are kept and sent. Raises BadInput that names the first wrong one."""
    try:
        return tuple(_READ.validate_python(raw))
    except ValidationError as error:
        place = error.errors(include_url=False, include_input=False)[0]["loc"]
        at = int(place[0]) + 1 if place and isinstance(place[0], int) else 0
        raise BadInput("job.mask_wrong", number=at) from error


def shapes_to_json(shapes: Sequence[MaskShape]) -> list[dict[str, Any]]:
    """As they are kept and sent; `read` of it is the same."""
    return [one.model_dump(mode="json") for one in shapes]


def draw_shapes(shapes: Sequence[MaskShape], width: int, height: int) -> Image.Image:
    """A mask of this size in pixels, white where the shapes are and none erased, black elsewhere.
    Raises BadInput."""
    mask = Image.new("L", (width, height), 0)
    for one in shapes:
        one.draw(mask)
    return mask


def check_shapes(shapes: Sequence[MaskShape]) -> None:
    """Raise BadInput for shapes that cover less of a picture than `LEAST`, or cannot be drawn."""
    white = draw_shapes(shapes, _PROBE, _PROBE).histogram()[255]
    if white < MIN_AREA * _PROBE**2:
        raise BadInput("job.mask_small")


def mask_from_picture(data: bytes, *, name: str) -> DrawnMask:
    """The mask of a file that somebody drew: what is light in it is made anew, and what is clear is
    not.

    Refused as any upload, by `pictures.decode_photo`; BadInput `job.mask_busy` for one of so many
    specks that it is none.
    """
    found = pictures.decode_photo(data, name=name).pixels
    grey = pictures.flatten_on(found, (0, 0, 0)).convert("L")
    grey.thumbnail((MAX_MASK_SIDE, MAX_MASK_SIDE), Image.Resampling.BOX)
    bits = grey.point(lambda level: 255 if level >= 128 else 0).convert(
        "1", dither=Image.Dither.NONE
    )
    packed = base64.b64encode(zlib.compress(bits.tobytes(), 9)).decode()
    if len(packed) > MAX_BYTES:
        raise BadInput("job.mask_busy")
    return DrawnMask(kind="drawn", width=grey.width, height=grey.height, bits=packed)


def draw_veil(part: Sequence[MaskShape], width: int, height: int) -> Image.Image:
    """A clear picture of these proportions, at most `LONGEST` long, half white where the shapes
    are: over the first one it shows them. Raises BadInput."""
    share = MAX_MASK_SIDE / max(width, height, MAX_MASK_SIDE)
    mask = draw_shapes(part, max(round(width * share), 1), max(round(height * share), 1))
    found = Image.new("RGBA", mask.size, (255, 255, 255, 0))
    found.putalpha(mask.point(lambda level: level * 5 // 8))
    return found


def encode_png(mask: Image.Image) -> bytes:
    """A mask as a file."""
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()


def parse_shape_lines(lines: str) -> tuple[MaskShape, ...]:
    """Shapes as people type them, one a line: `ellipse 10 10 60 60`, `polygon 10,10 40,10 30,50`,
    `stroke 4 10,10 60,40` and `eraser 4 10,10` (the width first). Raises BadInput that names the
    line."""
    found: list[object] = []
    for line in filter(None, map(str.strip, lines.splitlines())):
        kind, *rest = line.split()
        found.append(_parse_shape_fields(kind.casefold(), rest))
    return parse_shapes(found)


def format_shape_lines(part: Sequence[MaskShape]) -> str:
    """Shapes as people type them, `parse` of it is the same; nothing where one of them was drawn
    elsewhere."""
    return (
        ""
        if any(isinstance(one, DrawnMask) for one in part)
        else "\n".join(map(_format_shape_line, part))
    )


def _format_shape_line(one: MaskShape) -> str:
    match one:
        case RectangleShape() | Ellipse():
            return f"{one.kind} {one.left:.12g} {one.top:.12g} {one.right:.12g} {one.bottom:.12g}"
        case Polygon() | Stroke() | Eraser():
            width = "" if isinstance(one, Polygon) else f" {one.width:.12g}"
            return (
                f"{one.kind}{width} "
                f"{' '.join(f'{across:.12g},{down:.12g}' for across, down in one.points)}"
            )
        case _:
            return ""


def _parse_shape_fields(kind: str, rest: list[str]) -> object:
    if kind in ("rectangle", "ellipse"):
        sides = dict(zip(("left", "top", "right", "bottom"), rest, strict=False))
        return {"kind": kind, **sides, **({"more": "-"} if len(rest) > len(sides) else {})}
    width, points = (
        ({"width": rest[0]}, rest[1:]) if kind in ("stroke", "eraser") and rest else ({}, rest)
    )
    return {"kind": kind, **width, "points": [point.split(",") for point in points]}


def _to_pixels(points: Sequence[Point], size: tuple[int, int]) -> list[tuple[float, float]]:
    return [(across * size[0] / 100, down * size[1] / 100) for across, down in points]
