"""City scenes: rows of buildings, lit windows in the evening, and a river that reflects them."""

import math

import numpy as np

from generators.drawing import plants, sky
from generators.drawing.canvas import Canvas, Colour, Stencil, mix_colours
from generators.drawing.lighting import SceneLight
from generators.drawing.scene_prompt import SceneSetting


def draw_city(canvas: Canvas, mood: SceneLight, setting: SceneSetting) -> None:
    """Draw three rows of buildings along a river; for Paris, also an iron tower and slate roofs."""
    water = canvas.between(0.72, 0.76)
    sun_x = canvas.between(0.25, 0.75)
    sky.draw_sky(canvas, mood, setting, horizon=water - 0.10, sun_x=sun_x)
    paris = "paris" in setting.known
    evening = mood.dark > 0.15
    for depth, low, high in ((0.80, 0.22, 0.42), (0.50, 0.16, 0.34)):
        _draw_towers(
            canvas,
            mood,
            water,
            depth,
            (low, high) if not paris else (low * 0.5, high * 0.42),
            evening=evening,
        )
        sky.draw_haze(canvas, mood, water - 0.06, 0.09, 0.34)
        if paris and depth > 0.6:
            _iron_tower(canvas, mood, canvas.across(canvas.between(0.25, 0.75)), water, 0.62)
    _draw_houses(canvas, mood, setting, water)
    quay = canvas.stencil()
    quay.rect(0, water - 0.018, canvas.aspect, 0.03)
    canvas.fill(quay.done(), mood.in_light((128, 116, 108)))
    _draw_street_lamps(canvas, mood, water - 0.016, evening=evening)
    river = canvas.below(np.full(max(2, canvas.width // 2), water, dtype=np.float32))
    canvas.fill(
        river,
        canvas.gradient(
            [(water, mood.in_light((96, 128, 146))), (1.0, mood.in_light((22, 44, 66)))]
        ),
    )
    sky.draw_reflection(canvas, water, 0.66)
    ripples = sky.water_ripples(canvas, water)
    canvas.light(
        canvas.plate(np.clip((ripples - 0.60) * 4, 0, 1) * 0.5),
        mix_colours(mood.horizon, mood.sun, 0.4),
        0.5,
    )
    _near_tree(canvas, mood, setting)
    sky.draw_precipitation(canvas, setting)


def _draw_towers(
    canvas: Canvas,
    mood: SceneLight,
    water: float,
    depth: float,
    heights: tuple[float, float],
    *,
    evening: bool,
) -> None:
    blocks = canvas.stencil()
    panes = canvas.stencil()
    x = -0.05
    while x < canvas.aspect:
        wide = canvas.between(0.045, 0.12)
        tall = canvas.between(*heights)
        top = water - tall
        blocks.rect(x, top, wide, tall)
        crown = canvas.rng.random()
        if crown < 0.25:
            blocks.rect(x + wide * 0.25, top - tall * 0.10, wide * 0.5, tall * 0.11)
        elif crown < 0.40:
            blocks.stroke([(x + wide / 2, top), (x + wide / 2, top - tall * 0.18)], 0.003)
        elif crown < 0.55:
            blocks.polygon([(x, top), (x + wide / 2, top - wide * 0.5), (x + wide, top)])
        _draw_windows(
            canvas, panes, (x, top + 0.015, wide, tall), (0.0085, 0.0155), 0.42 if evening else 0.75
        )
        x += wide + canvas.between(-0.015, 0.022)
    body = mood.in_light((118, 122, 140), depth)
    canvas.fill(
        blocks.done(),
        canvas.gradient(
            [
                (water - heights[1], mix_colours(body, mood.shade, 0.12)),
                (water, mix_colours(body, mood.horizon, 0.35)),
            ]
        ),
    )
    glass = (255, 214, 142) if evening else mix_colours(body, mood.zenith, 0.35)
    if not evening:
        strength = 0.5
    elif mood.night:
        strength = 0.85
    else:
        strength = 0.62
    canvas.fill(panes.done(), glass, strength)


def _draw_windows(
    canvas: Canvas,
    stencil: Stencil,
    block: tuple[float, float, float, float],
    cell: tuple[float, float],
    lit: float,
) -> None:
    x, y, wide, tall = block
    columns = int((wide - 0.008) / cell[0])
    rows = int((tall - 0.02) / cell[1])
    on = canvas.rng.random((max(rows, 0), max(columns, 0)))
    margin = (wide - columns * cell[0]) / 2
    for row in range(rows):
        for column in range(columns):
            if on[row, column] < lit:
                level = 120 + int(on[row, column] / lit * 135)
                stencil.rect(
                    x + margin + column * cell[0] + cell[0] * 0.22,
                    y + row * cell[1],
                    cell[0] * 0.56,
                    cell[1] * 0.55,
                    level,
                )


def _draw_houses(canvas: Canvas, mood: SceneLight, setting: SceneSetting, water: float) -> None:
    walls: tuple[Colour, ...] = (
        (238, 222, 196),
        (226, 202, 174),
        (244, 232, 212),
        (216, 180, 156),
        mix_colours(setting.accent, (240, 226, 204), 0.55),
    )
    evening = mood.dark > 0.15
    x = -0.04
    index = int(canvas.rng.integers(len(walls)))
    while x < canvas.aspect:
        wide = canvas.between(0.11, 0.17)
        tall = canvas.between(0.145, 0.205)
        index = (index + 1 + int(canvas.rng.integers(2))) % len(walls)
        _draw_house(canvas, mood, (x, water - tall, wide, tall), walls[index], evening=evening)
        x += wide
    shops = canvas.stencil()
    at = 0.03
    while at < canvas.aspect:
        shops.polygon(
            [
                (at, water - 0.052),
                (at + 0.075, water - 0.052),
                (at + 0.086, water - 0.036),
                (at - 0.011, water - 0.036),
            ]
        )
        at += canvas.between(0.15, 0.30)
    canvas.fill(shops.done(), mood.in_light(setting.accent))


def _draw_house(
    canvas: Canvas,
    mood: SceneLight,
    box: tuple[float, float, float, float],
    wall: Colour,
    *,
    evening: bool,
) -> None:
    x, y, wide, tall = box
    front, roof, dark, warm, trim = (canvas.stencil() for _ in range(5))
    front.rect(x, y, wide, tall + 0.01)
    slope = 0.012
    roof.polygon([(x, y), (x + slope, y - 0.045), (x + wide - slope, y - 0.045), (x + wide, y)])
    for i in range(2):
        roof.rect(x + wide * (0.22 + 0.5 * i), y - 0.068, 0.013, 0.028)
    floors = 4
    columns = max(3, round(wide / 0.031))
    step = wide / columns
    rise = (tall - 0.05) / floors
    for floor in range(floors):
        trim.rect(x, y + 0.012 + (floor + 0.86) * rise, wide, 0.0022)
        for column in range(columns):
            pane = warm if evening and canvas.rng.random() < 0.5 else dark
            pane.rect(
                x + (column + 0.28) * step,
                y + 0.012 + (floor + 0.16) * rise,
                step * 0.44,
                rise * 0.62,
            )
    for column in range(columns):
        dark.rect(x + (column + 0.3) * step, y - 0.032, step * 0.36, 0.022)
    body = mood.in_light(wall)
    canvas.fill(front.done(), body)
    canvas.fill(trim.done(), mix_colours(body, (255, 255, 255), 0.3))
    canvas.fill(roof.done(), mood.in_light((88, 98, 116)))
    canvas.fill(dark.done(), mood.in_light((82, 96, 116)), 0.9)
    canvas.fill(warm.done(), (255, 212, 132))


def _iron_tower(canvas: Canvas, mood: SceneLight, x: float, foot: float, tall: float) -> None:
    tower = canvas.stencil()
    holes = canvas.stencil()
    steps = [t / 24 for t in range(25)]
    half = [tall * 0.165 * (1 - t) ** 2.3 + tall * 0.012 * (1 - t) + tall * 0.0035 for t in steps]
    tower.polygon(
        [(x - w, foot - tall * t) for w, t in zip(half, steps, strict=True)]
        + [(x + w, foot - tall * t) for w, t in zip(reversed(half), reversed(steps), strict=True)]
    )
    tower.stroke([(x, foot - tall), (x, foot - tall * 1.07)], 0.0022)
    holes.ellipse(x, foot, tall * 0.105, tall * 0.135)
    inner = [
        (t, w * 0.62)
        for t, w in zip(steps, half, strict=True)
        if 0.20 < t < 0.36 or 0.41 < t < 0.80
    ]
    for t, w in inner:
        holes.polygon(
            [
                (x - w, foot - tall * t),
                (x, foot - tall * (t + 0.022)),
                (x + w, foot - tall * t),
                (x, foot - tall * (t - 0.012)),
            ]
        )
    canvas.fill(tower.done(), mood.in_light((112, 92, 84), 0.55))
    canvas.fill(holes.done(), mix_colours(mood.horizon, mood.middle, 0.35), 0.55)
    decks = canvas.stencil()
    for t, w in ((0.19, 0.115), (0.385, 0.062)):
        decks.rect(x - tall * w, foot - tall * t, tall * w * 2, tall * 0.016)
    canvas.fill(decks.done(), mood.in_light((98, 80, 74), 0.5))
    if mood.night:
        canvas.glow(x, foot - tall * 0.5, tall * 0.7, (255, 196, 110), 0.35)


def _draw_street_lamps(canvas: Canvas, mood: SceneLight, foot: float, *, evening: bool) -> None:
    posts = canvas.stencil()
    x = canvas.between(0.05, 0.15)
    spots: list[float] = []
    while x < canvas.aspect:
        posts.stroke([(x, foot), (x, foot - 0.055)], 0.0028)
        posts.ellipse(x, foot - 0.058, 0.0048, 0.0058)
        spots.append(x)
        x += canvas.between(0.17, 0.24)
    canvas.fill(posts.done(), mood.in_light((52, 52, 60)))
    if evening:
        for spot in spots:
            canvas.glow(spot, foot - 0.058, 0.055, (255, 206, 130), 0.85)


def _near_tree(canvas: Canvas, mood: SceneLight, setting: SceneSetting) -> None:
    side = -0.02 if canvas.rng.random() < 0.5 else canvas.aspect + 0.02
    inward = 1 if side < 0.5 else -1
    branch = canvas.stencil()
    leaves = canvas.stencil()
    for i in range(4):
        reach = canvas.between(0.16, 0.34)
        fall = canvas.between(0.02, 0.16)
        tip = (side + inward * reach, 0.02 + fall + 0.05 * i)
        branch.stroke([(side, 0.0 + 0.05 * i), ((side + tip[0]) / 2, tip[1] * 0.7), tip], 0.006)
        if setting.season != "winter":
            for t in range(8):
                share = 0.15 + 0.85 * t / 7
                at = (
                    side + inward * reach * share,
                    tip[1] * (0.4 + 0.6 * share) + math.sin(t) * 0.012,
                )
                plants.draw_crown(canvas, leaves, at[0], at[1], 0.036, leaves=9)
    tones: dict[str, Colour] = {
        "spring": (222, 160, 176),
        "autumn": (204, 122, 52),
        "summer": (62, 100, 66),
        "winter": (220, 226, 232),
    }
    canvas.fill(branch.done(), mood.in_light((52, 44, 42)))
    canvas.fill(leaves.done(), mix_colours(mood.in_light(tones[setting.season]), mood.shade, 0.25))
