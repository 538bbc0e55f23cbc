"""Mountain, forest and field scenes."""

import math

import numpy as np
from PIL import Image

from generators.drawing import plants, sky
from generators.drawing.canvas import Canvas, Colour, Floats, mix_colours
from generators.drawing.lighting import SceneLight
from generators.drawing.scene_prompt import SceneSetting

_LEAVES: dict[str, tuple[Colour, ...]] = {
    "summer": ((58, 108, 62), (92, 142, 70), (138, 172, 82)),
    "spring": ((96, 142, 82), (232, 170, 186), (246, 208, 214)),
    "autumn": ((150, 74, 40), (212, 122, 48), (236, 178, 72)),
    "winter": ((150, 166, 178), (206, 218, 228), (240, 246, 250)),
}


_UNDER: Colour = (30, 34, 36)
"""The colour of deep shade under trees."""


def draw_mountains(canvas: Canvas, mood: SceneLight, setting: SceneSetting) -> None:
    """Draw mountain ranges that fade with distance, with snow on the near ones, a reflecting lake,
    and firs in front."""
    lake = canvas.between(0.66, 0.72)
    sun_x = canvas.between(0.22, 0.78)
    sky.draw_sky(canvas, mood, setting, horizon=lake - 0.08, sun_x=sun_x)
    snow = 2.2 if setting.season == "winter" else 1.0
    light = 1 if sun_x > 0.5 else -1
    for depth, high, cells, cap in (
        (0.80, 0.38, 3.0, 0.8),
        (0.52, 0.34, 2.2, 1.0),
        (0.28, 0.15, 3.4, 0.3),
    ):
        peaks = (
            1
            - 1.7 * np.abs(canvas.line(cells, 2, fall=0.45))
            + 0.10 * canvas.line(cells * 7, 4, fall=0.6)
        )
        ridge = lake - 0.02 - high * (0.50 + 0.5 * peaks) * (0.8 + 0.2 * canvas.line(1.5, 1))
        _draw_mountain_range(
            canvas,
            mood,
            np.minimum(ridge, lake - 0.015).astype(np.float32),
            depth,
            cap=cap * snow,
            light=light,
        )
        sky.draw_haze(canvas, mood, lake - 0.03, 0.04 + 0.03 * depth, 0.40)
    far = canvas.stencil()
    for _ in range(90):
        plants.draw_pine(
            canvas, far, canvas.between(0, canvas.aspect), lake + 0.004, canvas.between(0.03, 0.07)
        )
    far.rect(0, lake - 0.008, canvas.aspect, 0.02)
    canvas.fill(far.done(), mood.in_light(_needle_colour(setting), 0.34))
    shallow = canvas.below(np.full(max(2, canvas.width // 2), lake, dtype=np.float32))
    canvas.fill(
        shallow,
        canvas.gradient(
            [(lake, mood.in_light((120, 168, 182), 0.3)), (1.0, mood.in_light((22, 66, 84)))]
        ),
    )
    sky.draw_reflection(canvas, lake, 0.68)
    sky.draw_haze(canvas, mood, lake, 0.02, 0.45)
    _draw_bank(canvas, mood, setting)
    sky.draw_precipitation(canvas, setting)


def _needle_colour(setting: SceneSetting) -> Colour:
    return (150, 172, 180) if setting.season == "winter" else (34, 66, 56)


def _draw_mountain_range(
    canvas: Canvas, mood: SceneLight, ridge: Floats, depth: float, *, cap: float, light: int
) -> None:
    """Draw one range: each peak has a lit and a shaded side, divided by a ridge."""
    rows = max(1, canvas.height // 2)
    columns = len(ridge)
    inside = canvas.below(ridge)
    land = np.asarray(inside.resize((columns, rows)), dtype=np.float32) / 255
    drop = np.linspace(0, 1, rows, dtype=np.float32)[:, None] - ridge[None, :]
    rough = canvas.noise(9 * canvas.aspect, 7, 5, fall=0.6)
    edge = canvas.noise(5 * canvas.aspect, 10, 3)
    slope = (
        np.gradient(np.convolve(np.pad(ridge, 5, mode="edge"), np.ones(11) / 11, mode="valid"))
        * columns
    )
    aside = ((edge - 0.5) * 0.20 - 0.25 * light * np.clip(drop, 0, 1)) * columns / canvas.aspect
    at = np.clip((np.arange(columns)[None, :] + aside).astype(int), 0, columns - 1)
    facing = 1 / (1 + np.exp(-(slope[at] * light * 5 + (rough - 0.5) * 5)))
    rock = mood.in_light((150, 140, 136), depth)
    shadow = mood.in_light((70, 74, 98), depth * 0.92)
    canvas.fill(inside, rock)
    canvas.fill(canvas.plate(land * (1 - facing)), shadow, 0.9)
    fringe = canvas.noise(34 * canvas.aspect, 3, 3, fall=0.7)
    height = np.clip(float(ridge.max()) - ridge, 0, 1)[None, :]
    white = np.clip((cap * (0.30 * height + 0.16 * fringe + 0.10 * rough) - drop) * 90, 0, 1) * land
    canvas.fill(canvas.plate(white), mood.in_light((186, 202, 228), depth * 0.75))
    canvas.fill(
        canvas.plate(white * np.clip(facing * 1.8 - 0.5, 0, 1)),
        mood.in_light((255, 254, 250), depth * 0.6),
    )


def _draw_bank(canvas: Canvas, mood: SceneLight, setting: SceneSetting) -> None:
    side = canvas.rng.random() < 0.5
    share = np.linspace(0, 1, max(2, canvas.width // 2), dtype=np.float32)
    slope = share if side else 1 - share
    line = (1.02 - 0.15 * slope**1.8 + 0.008 * canvas.line(12, 4)).astype(np.float32)
    ground: Colour = (226, 232, 240) if setting.season == "winter" else (46, 66, 50)
    canvas.fill(canvas.below(line), mood.in_light(ground))
    firs = canvas.stencil()
    for _ in range(9):
        where = 1 - canvas.between(0, 0.60) ** 1.5 if side else canvas.between(0, 0.60) ** 1.5
        foot = float(line[min(len(line) - 1, int(where * len(line)))]) + 0.015
        plants.draw_pine(
            canvas,
            firs,
            canvas.across(where),
            foot,
            canvas.between(0.16, 0.42) * (0.45 + 0.75 * (where if side else 1 - where)),
        )
    canvas.fill(firs.done(), mood.in_light(mix_colours(_needle_colour(setting), (16, 34, 40), 0.5)))


def draw_forest(canvas: Canvas, mood: SceneLight, setting: SceneSetting) -> None:
    """Draw tree trunks, a canopy of leaves, sunbeams, and a path into the light."""
    leaves = _LEAVES[setting.season]
    glow_x = canvas.between(0.38, 0.62)
    deep = mood.in_light(mix_colours(leaves[0], (20, 34, 30), 0.45))
    shine = mix_colours(mood.horizon, leaves[2], 0.35)
    canvas.image.paste(
        canvas.gradient(
            [
                (0.0, mood.in_light(leaves[0])),
                (0.46, shine),
                (0.62, mix_colours(shine, deep, 0.3)),
                (1.0, deep),
            ]
        )
    )
    canvas.glow(
        canvas.across(glow_x),
        0.46,
        0.62,
        mix_colours(mood.sun, leaves[2], 0.12),
        0.75 if not mood.night else 0.42,
    )
    floor = 0.60
    _draw_ground(canvas, mood, setting, floor, glow_x)
    for layer in range(4):
        near = layer / 3
        _draw_trunks(canvas, mood, setting, near, floor=floor, glow_x=glow_x)
        _draw_canopy(canvas, mood, leaves, near)
        if layer == 1:
            _draw_sunbeams(canvas, mood, glow_x)
    ferns = canvas.stencil()
    for lower, upper in ((0.0, 0.34), (0.66, 1.0)):
        plants.draw_grass(
            canvas,
            ferns,
            (canvas.across(lower), canvas.across(upper)),
            foot=1.02,
            height=0.17,
            count=110,
        )
    canvas.fill(ferns.done(0.0008), mood.in_light(mix_colours(leaves[0], (18, 30, 26), 0.55)))
    sky.draw_precipitation(canvas, setting)


def _draw_ground(
    canvas: Canvas, mood: SceneLight, setting: SceneSetting, floor: float, glow_x: float
) -> None:
    leaves = _LEAVES[setting.season]
    soil = mood.in_light(
        mix_colours(leaves[1], (92, 74, 54), 0.55 if setting.season != "winter" else 0.1)
    )
    line = (floor + 0.012 * canvas.line(6, 4)).astype(np.float32)
    mask = canvas.below(line)
    canvas.fill(
        mask,
        canvas.gradient(
            [(floor, mix_colours(soil, mood.horizon, 0.45)), (1.0, mix_colours(soil, _UNDER, 0.5))]
        ),
    )
    path = canvas.stencil()
    x = canvas.across(glow_x)
    path.polygon(
        [
            (x - 0.015, floor),
            (x + 0.02, floor),
            (x + 0.10, 0.78),
            (x + 0.42, 1.02),
            (x - 0.30, 1.02),
            (x - 0.02, 0.78),
        ]
    )
    canvas.fill(
        path.done(0.012), mix_colours(mood.in_light((206, 178, 138)), mood.horizon, 0.2), 0.75
    )
    rows = max(1, canvas.height // 2)
    inside = np.asarray(mask.resize((max(1, canvas.width // 2), rows)), dtype=np.float32) / 255
    for tone, threshold in ((leaves[2], 0.62), (_UNDER, 0.66), (leaves[1], 0.66)):
        litter = canvas.noise(60 * canvas.aspect, 110, 2)
        canvas.fill(
            canvas.plate(np.clip((litter - threshold) * 7, 0, 1) * inside * 0.6),
            mood.in_light(tone),
        )


def _draw_canopy(canvas: Canvas, mood: SceneLight, leaves: tuple[Colour, ...], near: float) -> None:
    """Draw the crowns of one row of trees in three tones, hazy in the distance and
    dark overhead."""
    low = 0.40 - 0.20 * near
    size = 0.10 + 0.11 * near
    for i, tone in enumerate(leaves):
        clusters = canvas.stencil()
        for _ in range(round(15 - 5 * near)):
            across = canvas.between(-0.05, 1.05)
            drop = low * canvas.between(0.0, 1.0) * (0.45 + 0.9 * abs(across - 0.5))
            plants.draw_crown(
                canvas,
                clusters,
                canvas.across(across),
                drop - 0.03 * i,
                size * canvas.between(0.6, 1.1),
                leaves=46,
            )
        colour = mix_colours(
            mood.in_light(tone, 0.62 * (1 - near)), _UNDER, (0.04 + 0.40 * near) * (1 - 0.22 * i)
        )
        canvas.fill(clusters.done(0.0025 * (1 - near)), colour, 0.72 + 0.2 * near)


def _draw_trunks(
    canvas: Canvas,
    mood: SceneLight,
    setting: SceneSetting,
    near: float,
    *,
    floor: float,
    glow_x: float,
) -> None:
    bark: Colour = (92, 70, 58) if setting.season != "winter" else (86, 84, 92)
    stencil = canvas.stencil()
    rim = canvas.stencil()
    count = round(22 - 17 * near)
    for i in range(count):
        share = (i + canvas.between(0.1, 0.9)) / count
        if abs(share - glow_x) < 0.05 + 0.13 * near:
            continue
        x = canvas.across(share)
        wide = (0.006 + 0.040 * near**1.5) * canvas.between(0.7, 1.3)
        foot = floor + 0.02 + 0.36 * near**1.3 * canvas.between(0.85, 1.1)
        lean = canvas.between(-0.05, 0.05)
        top_left = (x + lean - wide * 0.62, -0.02)
        top_right = (x + lean + wide * 0.62, -0.02)
        stencil.polygon(
            [
                top_left,
                top_right,
                (x + wide, foot - 0.05),
                (x + wide * 1.7, foot),
                (x - wide * 1.7, foot),
                (x - wide, foot - 0.05),
            ]
        )
        lit = 1 if share < glow_x else -1
        rim.polygon(
            [
                (x + lean + lit * wide * 0.62, -0.02),
                (x + lean + lit * wide * 0.30, -0.02),
                (x + lit * wide * 0.62, foot - 0.05),
                (x + lit * wide, foot - 0.05),
            ]
        )
    body = mix_colours(mood.in_light(bark, 0.78 * (1 - near)), _UNDER, 0.10 + 0.42 * near)
    canvas.fill(stencil.done(0.002 * (1 - near)), body)
    canvas.fill(rim.done(0.002), mix_colours(body, mood.horizon, 0.5), 0.6)


def _draw_sunbeams(canvas: Canvas, mood: SceneLight, glow_x: float) -> None:
    beams = canvas.stencil()
    origin = (canvas.across(glow_x) + canvas.between(-0.2, 0.2), -0.35)
    for _ in range(7):
        angle = canvas.between(-0.62, 0.62)
        wide = canvas.between(0.018, 0.05)
        ends = [(origin[0] + math.tan(angle + d) * 1.5, 1.12) for d in (-wide, wide)]
        beams.polygon([origin, *ends], round(canvas.between(90, 200)))
    mask = np.asarray(beams.done(0.014), dtype=np.float32)
    fade = np.clip(1.05 - np.linspace(0, 1, canvas.height, dtype=np.float32)[:, None] * 1.1, 0, 1)
    canvas.light(
        Image.fromarray((mask * fade).astype(np.uint8), "L"),
        mood.sun,
        0.40 if not mood.night else 0.2,
    )


def draw_field(canvas: Canvas, mood: SceneLight, setting: SceneSetting) -> None:
    """Draw rows of lavender or another crop of the season, with hills, a tree and a small house."""
    horizon = canvas.between(0.44, 0.50)
    sun_x = canvas.between(0.2, 0.8)
    sky.draw_sky(canvas, mood, setting, horizon=horizon, sun_x=sun_x)
    for depth, high in ((0.85, 0.13), (0.62, 0.08), (0.42, 0.045)):
        line = horizon + 0.012 - high * (0.5 + 0.5 * canvas.line(2.4, 3, fall=0.35))
        canvas.fill(canvas.below(line.astype(np.float32)), mood.in_light((92, 128, 88), depth))
    crops: dict[str, Colour] = {
        "summer": (140, 104, 178),
        "spring": (214, 92, 84),
        "autumn": (218, 164, 74),
        "winter": (228, 234, 242),
    }
    _draw_crop_rows(canvas, mood, horizon, crops[setting.season], sun_x)
    _draw_farm(canvas, mood, setting, horizon)
    blooms = canvas.stencil()
    plants.draw_grass(canvas, blooms, (0, canvas.aspect), foot=1.03, height=0.13, count=300)
    canvas.fill(blooms.done(), mood.in_light(mix_colours(crops[setting.season], (48, 66, 54), 0.5)))
    sky.draw_precipitation(canvas, setting)


def _draw_crop_rows(
    canvas: Canvas, mood: SceneLight, horizon: float, crop: Colour, sun_x: float
) -> None:
    rows = max(1, canvas.height // 2)
    columns = max(2, canvas.width // 2)
    down = np.clip(
        (np.linspace(0, 1, rows, dtype=np.float32)[:, None] - horizon) / (1 - horizon), 1e-3, 1
    )
    vanish = canvas.between(0.35, 0.65)
    across = (np.linspace(0, 1, columns, dtype=np.float32)[None, :] - vanish) * canvas.aspect
    furrow = across / (0.05 + down * 0.95) * 6.2
    wave = 0.5 + 0.5 * np.cos(furrow * math.tau)
    tufts = canvas.noise(60 * canvas.aspect, 70, 3, fall=0.7)
    hedge = np.clip((wave + (tufts - 0.5) * 0.9 - 0.40) * 3.2, 0, 1)
    base = canvas.below(np.full(columns, horizon, dtype=np.float32))
    land = np.asarray(base.resize((columns, rows)), dtype=np.float32) / 255
    soil = mood.in_light((150, 120, 88))
    far = mood.in_light(crop, 0.45)
    canvas.fill(
        base,
        canvas.gradient(
            [
                (horizon, far),
                (horizon + 0.12, mix_colours(soil, far, 0.3)),
                (1.0, mix_colours(soil, mood.shade, 0.3)),
            ]
        ),
    )
    lean = 0.18 if sun_x < 0.5 else -0.18
    shade = np.clip((0.5 + 0.5 * np.cos((furrow - lean) * math.tau) - 0.62) * 3, 0, 1) * hedge
    canvas.fill(
        canvas.plate(hedge * land),
        canvas.gradient(
            [
                (horizon, far),
                (0.75, mood.in_light(crop)),
                (1.0, mood.in_light(mix_colours(crop, mood.shade, 0.25))),
            ]
        ),
    )
    canvas.fill(
        canvas.plate(shade * land * np.clip(tufts * 1.6 - 0.3, 0, 1)),
        mix_colours(mood.in_light(mix_colours(crop, (255, 255, 255), 0.35)), mood.sun, 0.2),
    )
    dark = np.clip((0.40 - tufts) * 4, 0, 1) * hedge
    canvas.fill(
        canvas.plate(dark * land * down), mood.in_light(mix_colours(crop, (30, 28, 60), 0.65)), 0.7
    )


def _draw_farm(canvas: Canvas, mood: SceneLight, setting: SceneSetting, horizon: float) -> None:
    x = canvas.across(canvas.between(0.18, 0.42))
    y = horizon + 0.012
    wall, roof, tree, trunk = (canvas.stencil() for _ in range(4))
    wall.rect(x, y - 0.036, 0.085, 0.038)
    roof.polygon(
        [
            (x - 0.006, y - 0.034),
            (x + 0.012, y - 0.058),
            (x + 0.076, y - 0.058),
            (x + 0.092, y - 0.034),
        ]
    )
    canvas.fill(wall.done(), mood.in_light((232, 212, 178), 0.2))
    canvas.fill(roof.done(), mood.in_light((190, 104, 78), 0.2))
    panes = canvas.stencil()
    for i in range(3):
        panes.rect(x + 0.012 + 0.026 * i, y - 0.024, 0.009, 0.013)
    canvas.fill(
        panes.done(), (255, 214, 130) if mood.dark > 0.25 else mood.in_light((104, 120, 140), 0.2)
    )
    for i in range(3):
        cypress = canvas.stencil()
        cypress.ellipse(
            x + 0.112 + 0.022 * i, y - 0.045 - 0.012 * (i % 2), 0.0085, 0.052 + 0.012 * (i % 2)
        )
        canvas.fill(cypress.done(), mood.in_light((46, 76, 58), 0.25))
    at = canvas.across(canvas.between(0.66, 0.84))
    trunk.stroke([(at, y + 0.055), (at + 0.006, y - 0.05)], 0.013)
    canvas.fill(trunk.done(), mood.in_light((78, 60, 50)))
    plants.draw_crown(canvas, tree, at, y - 0.10, 0.105, leaves=110)
    leaves = _LEAVES[setting.season]
    canvas.fill(tree.done(), mood.in_light(mix_colours(leaves[0], (26, 40, 36), 0.2)))
    bright = canvas.stencil()
    plants.draw_crown(canvas, bright, at + 0.014, y - 0.118, 0.078, leaves=46)
    canvas.fill(bright.done(0.001), mood.in_light(leaves[1]), 0.75)
