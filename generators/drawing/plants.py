"""Trees, palms, grasses and pot plants as outlines on a stencil."""

import math

from generators.drawing.canvas import Canvas, Point, Stencil


def draw_pine(canvas: Canvas, stencil: Stencil, x: float, foot: float, height: float) -> None:
    """Draw a fir: tiers of drooping branches on a straight trunk."""
    stencil.rect(x - height * 0.018, foot - height * 0.16, height * 0.036, height * 0.16)
    tiers = 9
    for tier in range(tiers):
        share = tier / tiers
        y = foot - height * (0.10 + 0.82 * share)
        wide = height * 0.25 * (1 - share) ** 0.85 * canvas.between(0.86, 1.12) + height * 0.012
        drop = height * 0.055
        stencil.polygon(
            [
                (x, y - height * 0.17),
                (x + wide * 0.42, y - height * 0.03),
                (x + wide, y + drop),
                (x + wide * 0.25, y + drop * 0.35),
                (x - wide * 0.25, y + drop * 0.35),
                (x - wide, y + drop),
                (x - wide * 0.42, y - height * 0.03),
            ]
        )


def draw_crown(
    canvas: Canvas, stencil: Stencil, x: float, y: float, radius: float, *, leaves: int = 60
) -> None:
    """Draw a round crown of leaf clusters, dense in the centre."""
    for _ in range(leaves):
        angle = canvas.between(0, math.tau)
        away = math.sqrt(canvas.between(0, 1))
        size = radius * canvas.between(0.12, 0.26) * (1.25 - away * 0.6)
        stencil.ellipse(
            x + math.cos(angle) * away * radius,
            y + math.sin(angle) * away * radius * 0.82,
            size,
            size * 0.86,
        )


def draw_palm(canvas: Canvas, stencil: Stencil, at: Point, height: float, lean: float) -> None:
    """Draw a palm: a curved, tapering trunk, and fronds with hanging leaflets."""
    spine = [(at[0] + lean * height * (t / 16) ** 1.7, at[1] - height * t / 16) for t in range(17)]
    left = [(px - height * (0.030 - 0.017 * i / 16), py) for i, (px, py) in enumerate(spine)]
    right = [(px + height * (0.030 - 0.017 * i / 16), py) for i, (px, py) in enumerate(spine)]
    stencil.polygon([*left, *reversed(right)])
    top = spine[-1]
    for turn in range(11):
        angle = math.pi * (-0.12 + 1.24 * turn / 10) + canvas.between(-0.10, 0.10)
        _draw_frond(stencil, top, angle, height * canvas.between(0.36, 0.47))
    for _ in range(4):
        stencil.ellipse(
            top[0] + height * canvas.between(-0.03, 0.03),
            top[1] + height * 0.03,
            height * 0.02,
            height * 0.022,
        )


def _draw_frond(stencil: Stencil, root: Point, angle: float, long: float) -> None:
    steps = 22
    rib: list[Point] = []
    for i in range(steps + 1):
        t = i / steps
        sag = long * 0.62 * t**2.1
        rib.append(
            (
                root[0] + math.cos(angle) * long * t,
                root[1] - math.sin(angle) * long * t * 0.72 + sag,
            )
        )
    stencil.stroke(rib, long * 0.018)
    for i in range(2, steps):
        t = i / steps
        reach = long * 0.26 * math.sin(math.pi * min(1.0, t * 0.9 + 0.12)) + long * 0.02
        dx = rib[i + 1][0] - rib[i - 1][0]
        dy = rib[i + 1][1] - rib[i - 1][1]
        size = math.hypot(dx, dy) or 1e-6
        dx = dx / size
        dy = dy / size
        for side in (-1, 1):
            tip = (
                rib[i][0] + (dx * 0.75 - dy * 0.55 * side) * reach,
                rib[i][1] + (dy * 0.75 + dx * 0.55 * side + 0.45) * reach,
            )
            thick = long * 0.013
            stencil.polygon(
                [
                    (rib[i][0] - dx * thick, rib[i][1] - dy * thick),
                    (rib[i][0] + dx * thick, rib[i][1] + dy * thick),
                    tip,
                ]
            )


def draw_grass(
    canvas: Canvas, stencil: Stencil, span: Point, *, foot: float, height: float, count: int
) -> None:
    """Draw grass between two x positions, bent in one direction as by a breeze."""
    for _ in range(count):
        x = canvas.between(*span)
        tall = height * canvas.between(0.35, 1.0)
        lean = canvas.between(-0.10, 0.42) * tall
        thick = 0.0028 + tall * 0.008
        stencil.polygon(
            [
                (x - thick, foot),
                (x + lean * 0.45, foot - tall * 0.62),
                (x + lean, foot - tall),
                (x + thick, foot),
            ]
        )


def draw_pot_plant(
    canvas: Canvas, stencil: Stencil, at: Point, height: float, leaves: int = 13
) -> None:
    """Draw a pot plant: long stalks with one broad leaf each."""
    for i in range(leaves):
        angle = math.pi * (0.12 + 0.76 * (i + canvas.between(-0.3, 0.3)) / (leaves - 1))
        long = height * canvas.between(0.58, 1.0)
        (x, foot) = at
        tip = (x + math.cos(angle) * long * 0.78, foot - math.sin(angle) * long)
        knee = (x + math.cos(angle) * long * 0.22, foot - math.sin(angle) * long * 0.62)
        stencil.stroke([(x, foot), knee, tip], height * 0.011)
        _draw_leaf(
            stencil,
            tip,
            angle + canvas.between(-0.5, 0.5) - 0.25 * math.cos(angle),
            height * canvas.between(0.22, 0.34),
        )


def _draw_leaf(stencil: Stencil, at: Point, angle: float, long: float) -> None:
    outline: list[Point] = []
    for side in (1, -1):
        for i in range(13):
            t = i / 12 if side == 1 else 1 - i / 12
            wide = math.sin(math.pi * t**0.8) * long * 0.24 * side
            along = (t - 0.2) * long
            outline.append(
                (
                    at[0] + math.cos(angle) * along - math.sin(angle) * wide,
                    at[1] - math.sin(angle) * along - math.cos(angle) * wide,
                )
            )
    stencil.polygon(outline)
