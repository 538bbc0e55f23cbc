"""Parts of a picture to repaint, as shapes: rectangles, ellipses, polygons, brush and eraser
strokes, and drawn masks.

Shapes are data in percent of the picture's sides, from left and top, and are drawn in order: an
eraser removes from earlier shapes.
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
"""Maximum edge in pixels of a stored drawn mask; a higher resolution is unnecessary because its
border is softened."""

MAX_BYTES = 40_000
"""Maximum length of a drawn mask, compressed and in base64; a mask of a thousand specks needs less.
"""

MIN_AREA = 0.0025
"""Minimum share of the picture, as a rectangle with edges of five percent: less is only a few
pixels for a model."""

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
    """A rectangle, given by its sides."""

    kind: Literal["rectangle"]

    def draw(self, mask: Image.Image) -> None:
        """Draw the shape in white on a mask of the picture's size."""
        box = self._pixel_corners(mask.size)
        if box[2] >= box[0] and box[3] >= box[1]:
            ImageDraw.Draw(mask).rectangle(box, fill=255)


class Ellipse(_Box):
    """The ellipse inscribed in a rectangle."""

    kind: Literal["ellipse"]

    def draw(self, mask: Image.Image) -> None:
        """Draw the shape like `RectangleShape.draw`."""
        box = self._pixel_corners(mask.size)
        if box[2] >= box[0] and box[3] >= box[1]:
            ImageDraw.Draw(mask).ellipse(box, fill=255)


class Polygon(_Shape):
    """The area inside a closed line."""

    kind: Literal["polygon"]
    points: Annotated[list[Point], Field(min_length=3, max_length=MAX_POINTS)]

    def draw(self, mask: Image.Image) -> None:
        """Draw the shape like `RectangleShape.draw`."""
        ImageDraw.Draw(mask).polygon(_to_pixels(self.points, mask.size), fill=255)


class _Brush(_Shape):
    points: Annotated[list[Point], Field(min_length=1, max_length=MAX_POINTS)]
    width: Annotated[float, Field(ge=0.5, le=50, allow_inf_nan=False)]
    _level: ClassVar[int] = 255

    def draw(self, mask: Image.Image) -> None:
        """Draw the stroke on a mask of the picture's size."""
        pen = ImageDraw.Draw(mask)
        wide = max(self.width * min(mask.size) / 100, 1)
        line = _to_pixels(self.points, mask.size)
        pen.line(line, fill=self._level, width=round(wide))
        for across, down in line:  # Round ends and joints.
            pen.ellipse(
                (across - wide / 2, down - wide / 2, across + wide / 2, down + wide / 2),
                fill=self._level,
            )


class Stroke(_Brush):
    """A stroke of a round brush; `width` is in percent of the picture's shorter side."""

    kind: Literal["stroke"]


class Eraser(_Brush):
    """A stroke that removes from earlier shapes; `width` is as in `Stroke`."""

    kind: Literal["eraser"]
    _level: ClassVar[int] = 0


class DrawnMask(_Shape):
    """A mask drawn in another program, stored with one bit per pixel: `bits` are its rows,
    compressed by zlib, in base64."""

    kind: Literal["drawn"]
    width: Annotated[int, Field(ge=1, le=MAX_MASK_SIDE)]
    height: Annotated[int, Field(ge=1, le=MAX_MASK_SIDE)]
    bits: Annotated[str, Field(max_length=MAX_BYTES, pattern=r"^[A-Za-z0-9+/=]*$")]

    def draw(self, mask: Image.Image) -> None:
        """Draw the shape like `RectangleShape.draw`. Raises BadInput for invalid bits."""
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
    """Return shapes from JSON. Raises BadInput with the number of the first invalid one."""
    try:
        return tuple(_READ.validate_python(raw))
    except ValidationError as error:
        place = error.errors(include_url=False, include_input=False)[0]["loc"]
        at = int(place[0]) + 1 if place and isinstance(place[0], int) else 0
        raise BadInput("job.mask_wrong", number=at) from error


def shapes_to_json(shapes: Sequence[MaskShape]) -> list[dict[str, Any]]:
    """Return shapes as JSON, which `parse_shapes` reads."""
    return [one.model_dump(mode="json") for one in shapes]


def draw_shapes(shapes: Sequence[MaskShape], width: int, height: int) -> Image.Image:
    """Return a mask of this size in pixels: white in the shapes, black elsewhere and where erased.
    Raises BadInput."""
    mask = Image.new("L", (width, height), 0)
    for one in shapes:
        one.draw(mask)
    return mask


def check_shapes(shapes: Sequence[MaskShape]) -> None:
    """Raise BadInput for shapes that cover less of a picture than `MIN_AREA`, or
    cannot be drawn."""
    white = draw_shapes(shapes, _PROBE, _PROBE).histogram()[255]
    if white < MIN_AREA * _PROBE**2:
        raise BadInput("job.mask_small")


def mask_from_picture(data: bytes, *, name: str) -> DrawnMask:
    """Return the mask of an uploaded drawing: light areas are repainted, transparent ones are not.

    Files are refused as by `pictures.decode_photo`. Raises BadInput `job.mask_busy` for a drawing
    with too many specks.
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
    """Return an overlay for a picture of these proportions, with edges of at most `MAX_MASK_SIDE`:
    transparent, and partly white in the shapes. Raises BadInput."""
    share = MAX_MASK_SIDE / max(width, height, MAX_MASK_SIDE)
    mask = draw_shapes(part, max(round(width * share), 1), max(round(height * share), 1))
    found = Image.new("RGBA", mask.size, (255, 255, 255, 0))
    found.putalpha(mask.point(lambda level: level * 5 // 8))
    return found


def encode_png(mask: Image.Image) -> bytes:
    """Return a mask as PNG."""
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()


def parse_shape_lines(lines: str) -> tuple[MaskShape, ...]:
    """Return shapes from typed text, one per line: `ellipse 10 10 60 60`, `polygon 10,10 40,10
    30,50`, `stroke 4 10,10 60,40` and `eraser 4 10,10` (the width first). Raises BadInput with the
    line number."""
    found: list[object] = []
    for line in filter(None, map(str.strip, lines.splitlines())):
        kind, *rest = line.split()
        found.append(_parse_shape_fields(kind.casefold(), rest))
    return parse_shapes(found)


def format_shape_lines(part: Sequence[MaskShape]) -> str:
    """Return shapes as typed text, which `parse_shape_lines` reads; "" if one of them is a drawn
    mask."""
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
