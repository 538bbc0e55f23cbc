"""Beach and desert scenes."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generators.drawing import plants, sky
from generators.drawing.canvas import Canvas, Colour, Floats, Stencil, mix_colours, tint_colour
from generators.drawing.lighting import SceneLight
from generators.drawing.scene_prompt import SceneSetting


def draw_beach(canvas: Canvas, mood: SceneLight, setting: SceneSetting) -> None:
    """Draw the sea, a curved shore with foam, a parasol, and palms on one side."""
    horizon = canvas.between(0.44, 0.50)
    sun_x = canvas.between(0.30, 0.70)
    sky.draw_sky(canvas, mood, setting, horizon=horizon, sun_x=sun_x)
    side = 1 if canvas.rng.random() < 0.5 else -1
    _draw_headlands(canvas, mood, horizon, side)
    _draw_sea(canvas, mood, horizon, sun_x)
    _draw_sailboat(canvas, mood, setting, horizon)
    shore = _draw_shoreline(canvas, side)
    _draw_sand(canvas, mood, shore)
    chance = canvas.rng.random()  # A third of the beaches has no parasol, a fifth no palm.
    if chance < 0.67:
        _draw_parasol(canvas, mood, setting, side)
    grove = canvas.stencil()
    if chance < 0.40:
        palms = 2
    elif chance < 0.8:
        palms = 1
    else:
        palms = 0
    for i in range(palms):
        x = canvas.across(0.5 + side * (0.40 - 0.10 * i)) + canvas.between(-0.03, 0.03)
        plants.draw_palm(
            canvas, grove, (x, 0.92 + 0.14 * i), 0.78 - 0.22 * i, -side * canvas.between(0.10, 0.22)
        )
    canvas.fill(grove.done(), mood.in_light(mix_colours((34, 60, 52), mood.shade, 0.35)))
    tufts = canvas.stencil()
    span = (0.0, canvas.across(0.36)) if side < 0 else (canvas.across(0.64), canvas.aspect)
    plants.draw_grass(canvas, tufts, span, foot=1.02, height=0.15, count=90)
    canvas.fill(tufts.done(), mood.in_light((52, 82, 58)))
    sky.draw_precipitation(canvas, setting)


def _draw_headlands(canvas: Canvas, mood: SceneLight, horizon: float, side: int) -> None:
    for depth, height, reach in ((0.82, 0.085, 0.62), (0.58, 0.06, 0.40)):
        line = canvas.line(3.5, 5)
        share = np.linspace(0, 1, len(line))
        rise = np.clip((reach - (share if side < 0 else 1 - share)) / reach, 0, 1) ** 0.7
        ridge = horizon + 0.002 - height * rise * (0.8 + 0.35 * line)
        mask = canvas.below(np.where(rise > 0, ridge, horizon + 0.01).astype(np.float32))
        canvas.fill(mask, mood.in_light((78, 112, 104), depth))


def _draw_sea(canvas: Canvas, mood: SceneLight, horizon: float, sun_x: float) -> None:
    far = mix_colours(mix_colours(mood.horizon, (40, 120, 150), 0.45), mood.shade, mood.dark * 0.5)
    middle = mood.in_light((24, 128, 156))
    near = mood.in_light((94, 196, 192))
    if mood.dark > 0.15 and not mood.night:
        middle = mix_colours(middle, mood.zenith, 0.35)
        near = mix_colours(mood.in_light((92, 150, 168)), mood.middle, 0.45)
    stops = [
        (horizon, far),
        (horizon + 0.13, middle),
        (0.86, near),
        (1.0, mix_colours(near, (255, 255, 255), 0.2)),
    ]
    flat = canvas.below(np.full(max(2, canvas.width // 2), horizon, dtype=np.float32))
    canvas.fill(flat, canvas.gradient(stops))
    ripples = sky.water_ripples(canvas, horizon)
    rows = np.linspace(0, 1, ripples.shape[0], dtype=np.float32)[:, None]
    calm = np.clip(1.15 - 1.5 * (rows - horizon) / (1 - horizon), 0.12, 1)
    canvas.fill(
        canvas.plate(np.clip((ripples - 0.56) * 3.0, 0, 1) * 0.42 * calm),
        mix_colours(mood.horizon, (255, 255, 255), 0.25),
    )
    canvas.fill(
        canvas.plate(np.clip((0.44 - ripples) * 3.0, 0, 1) * (ripples > 0) * 0.30 * calm),
        mix_colours(middle, mood.shade, 0.5),
    )
    _draw_glitter(canvas, mood, ripples, horizon, sun_x)


def _draw_glitter(
    canvas: Canvas, mood: SceneLight, ripples: Floats, horizon: float, sun_x: float
) -> None:
    rows, columns = ripples.shape
    down = np.clip(
        (np.linspace(0, 1, rows, dtype=np.float32)[:, None] - horizon) / (1 - horizon), 0, 1
    )
    across = np.linspace(0, 1, columns, dtype=np.float32)[None, :] - sun_x
    path = np.exp(-((across / (0.030 + 0.13 * down)) ** 2)) * (down > 0)
    sparks = np.clip((ripples - 0.50) * 6, 0, 1) * path * (1 - 0.7 * down)
    canvas.light(canvas.plate(sparks), mood.sun, 0.95)
    canvas.light(canvas.plate(path * 0.30 * (1 - down)), mood.sun, 0.6)


def _draw_sailboat(canvas: Canvas, mood: SceneLight, setting: SceneSetting, horizon: float) -> None:
    x = canvas.across(canvas.between(0.2, 0.8))
    y = horizon + 0.022
    tall = canvas.between(0.045, 0.065)
    sail = canvas.stencil()
    hull = canvas.stencil()
    sail.polygon([(x, y - tall), (x + tall * 0.42, y - tall * 0.12), (x, y - tall * 0.12)])
    hull.polygon(
        [
            (x - tall * 0.30, y - tall * 0.10),
            (x + tall * 0.42, y - tall * 0.10),
            (x + tall * 0.28, y),
            (x - tall * 0.2, y),
        ]
    )
    jib = canvas.stencil()
    jib.polygon(
        [
            (x - tall * 0.04, y - tall * 0.88),
            (x - tall * 0.04, y - tall * 0.14),
            (x - tall * 0.30, y - tall * 0.14),
        ]
    )
    canvas.fill(sail.done(), mood.in_light((250, 248, 240), 0.15))
    canvas.fill(jib.done(), mood.in_light(setting.accent, 0.15))
    canvas.fill(hull.done(), mood.in_light((70, 60, 66), 0.15))


def _draw_shoreline(canvas: Canvas, side: int) -> Floats:
    share = np.linspace(0, 1, max(2, canvas.width // 2), dtype=np.float32)
    toward = share if side > 0 else 1 - share
    bay = 0.97 - 0.29 * toward**1.5 + 0.016 * np.sin(share * 9 + canvas.between(0, 6))
    shore: Floats = (bay + 0.006 * canvas.line(14, 3)).astype(np.float32)
    return shore


def _draw_sand(canvas: Canvas, mood: SceneLight, shore: Floats) -> None:
    wet = mood.in_light((168, 138, 108))
    dry = mood.in_light((240, 214, 172))
    for rise, strength in ((0.085, 0.28), (0.050, 0.5), (0.022, 0.85)):
        wave = shore - rise + 0.008 * canvas.line(10, 4)
        crest = canvas.below(wave.astype(np.float32))
        edge = canvas.below((wave + 0.008 + 0.007 * np.abs(canvas.line(26, 3))).astype(np.float32))
        foam = np.asarray(crest, dtype=np.int16) - np.asarray(edge, dtype=np.int16)
        canvas.fill(_mask_from_levels(foam), mood.in_light((255, 255, 255)), strength)
    canvas.fill(canvas.below(shore - 0.006), mix_colours(wet, mood.horizon, 0.30))
    canvas.fill(canvas.below(shore + 0.028 + 0.004 * canvas.line(8, 3)), wet)
    canvas.fill(
        canvas.below(shore + 0.058 + 0.006 * canvas.line(6, 3)),
        canvas.gradient([(0.6, dry), (1.0, mix_colours(dry, wet, 0.28))]),
    )
    dry_land = (
        np.asarray(
            canvas.below(shore + 0.06).resize((canvas.width // 2, canvas.height // 2)),
            dtype=np.float32,
        )
        / 255
    )
    grit = canvas.noise(90 * canvas.aspect, 130, 2)
    canvas.fill(
        canvas.plate(np.clip((grit - 0.60) * 2.4, 0, 1) * dry_land * 0.5),
        mix_colours(dry, wet, 0.75),
    )
    drifts = canvas.noise(4 * canvas.aspect, 22, 3)
    canvas.fill(
        canvas.plate(np.clip((drifts - 0.5) * 2.0, 0, 1) * dry_land * 0.42),
        mix_colours(dry, (255, 250, 236), 0.5),
    )


def _mask_from_levels(levels: NDArray[np.int16]) -> Image.Image:
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8), "L")


def _draw_parasol(canvas: Canvas, mood: SceneLight, setting: SceneSetting, side: int) -> None:
    x = canvas.across(0.5 + side * 0.13)
    foot = 0.90
    size = 0.26
    shadow = canvas.stencil()
    shadow.ellipse(x - side * 0.05, foot + 0.012, size * 0.62, size * 0.085)
    canvas.fill(shadow.done(0.008), mood.in_light((120, 92, 84)), 0.45)
    pole = canvas.stencil()
    pole.stroke([(x + 0.012 * side, foot), (x - 0.03 * side, foot - size * 1.12)], 0.0065)
    canvas.fill(pole.done(), mood.in_light((236, 228, 214)))
    top = (x - 0.03 * side, foot - size * 1.16)
    wide = size * 0.62
    low = foot - size * 0.72
    pale = mood.in_light((250, 244, 232))
    strong = mood.in_light(setting.accent)
    for i in range(8):
        panel = canvas.stencil()
        a = math.cos(math.pi * i / 8)
        b = math.cos(math.pi * (i + 1) / 8)
        tilt = 0.055 * side
        rim = [
            (top[0] + wide * c, low - tilt * c + 0.030 * math.sin(math.acos(max(-1, min(1, c)))))
            for c in (a, (a + b) / 2, b)
        ]
        rim[1] = (rim[1][0], rim[1][1] + 0.010)
        shoulder = [
            (top[0] + wide * c * 0.72, top[1] + (low - top[1]) * 0.34 - tilt * c * 0.5)
            for c in (b, a)
        ]
        panel.polygon([top, shoulder[1], *rim, shoulder[0]])
        colour = strong if i % 2 == 0 else pale
        canvas.fill(
            panel.done(),
            mix_colours(colour, mood.shade, 0.05 + 0.16 * (i / 8 if side > 0 else 1 - i / 8)),
        )
    _draw_towel(canvas, mood, setting, x - side * 0.10, foot + 0.015)


def _draw_towel(
    canvas: Canvas, mood: SceneLight, setting: SceneSetting, x: float, y: float
) -> None:
    for i in range(6):
        strip = canvas.stencil()
        left = x - 0.12 + 0.04 * i
        right = x - 0.08 + 0.04 * i
        strip.polygon(
            [(left, y), (right, y), (right + 0.035, y + 0.038), (left + 0.035, y + 0.038)]
        )
        colour: Colour = (250, 246, 238) if i % 2 else tint_colour(setting.accent, (255, 236, 226))
        canvas.fill(strip.done(), mood.in_light(colour))


def draw_desert(canvas: Canvas, mood: SceneLight, setting: SceneSetting) -> None:
    """Draw rows of dunes with a lit and a shaded side, some cacti, and distant table mountains."""
    horizon = canvas.between(0.46, 0.54)
    sun_x = canvas.between(0.2, 0.8)
    sky.draw_sky(canvas, mood, setting, horizon=horizon + 0.05, sun_x=sun_x)
    mesas = canvas.line(5, 4)
    steps = np.where(
        mesas > 0.15, 0.055, np.where(mesas > -0.25, 0.024, 0.0)
    ) + 0.004 * canvas.line(40, 2)
    canvas.fill(
        canvas.below((horizon + 0.03 - steps).astype(np.float32)),
        mood.in_light((172, 108, 92), 0.72),
    )
    lean = 1.0 if sun_x < 0.5 else -1.0
    for layer in range(5):
        depth = 1 - layer / 4
        base = horizon + 0.03 + 0.15 * layer * (0.6 + 0.16 * layer)
        ridge = base - (0.045 + 0.075 * (1 - depth)) * (
            1 + canvas.line(1.4 + 1.3 * depth, 2, fall=0.3)
        )
        _draw_dune(canvas, mood, ridge.astype(np.float32), depth, lean)
        if layer < 2:
            sky.draw_haze(canvas, mood, base + 0.02, 0.04, 0.22)
    _draw_cacti(canvas, mood, horizon)
    sky.draw_precipitation(canvas, setting)


def _draw_dune(canvas: Canvas, mood: SceneLight, ridge: Floats, depth: float, lean: float) -> None:
    rows = max(1, canvas.height // 2)
    warm = mood.in_light((246, 190, 126), depth * 0.6)
    dark = mix_colours(mood.in_light((132, 66, 62), depth * 0.5), mood.shade, 0.12)
    slope = np.gradient(ridge) * len(ridge)
    smooth = np.convolve(np.pad(slope, 12, mode="edge"), np.ones(25) / 25, mode="valid")
    down = np.clip(np.linspace(0, 1, rows, dtype=np.float32)[:, None] - ridge[None, :], 0, 1)
    shift = (
        np.arange(len(ridge))[None, :] - lean * down * len(ridge) * 0.75 / canvas.aspect
    ).astype(int)
    face = smooth[np.clip(shift, 0, len(ridge) - 1)] * lean
    shade = 1 / (1 + np.exp(-face * 60))
    ripple = 0.5 + 0.5 * np.sin(
        (down * 330 * (0.5 + depth) + 9 * canvas.noise(4 * canvas.aspect, 5, 2)) * 1.0
    )
    fade = np.clip(1 - down * 2.6, 0, 1)
    inside = canvas.below(ridge)
    canvas.fill(
        inside,
        canvas.gradient(
            [
                (float(ridge.min()), warm),
                (min(1.0, float(ridge.max()) + 0.3), mix_colours(warm, dark, 0.35)),
            ]
        ),
    )
    land = np.asarray(inside.resize((len(ridge), rows)), dtype=np.float32) / 255
    canvas.fill(canvas.plate(shade * land * (0.25 + 0.75 * fade)), dark, 0.85)
    canvas.fill(canvas.plate(ripple * land * (1 - shade) * 0.16), mix_colours(warm, dark, 0.6))
    canvas.fill(
        canvas.plate(np.exp(-((down / 0.006) ** 2)) * land * (1 - shade)),
        mix_colours(warm, mood.sun, 0.55),
        0.7,
    )


def _draw_cacti(canvas: Canvas, mood: SceneLight, horizon: float) -> None:
    stencil = canvas.stencil()
    for _ in range(3):
        x = canvas.across(canvas.between(0.06, 0.94))
        foot = canvas.between(0.80, 0.97)
        tall = (foot - horizon) * canvas.between(0.42, 0.62)
        _draw_cactus(canvas, stencil, x, foot, tall)
    canvas.fill(stencil.done(), mood.in_light((52, 84, 66)))


def _draw_cactus(canvas: Canvas, stencil: Stencil, x: float, foot: float, tall: float) -> None:
    thick = tall * 0.115
    stencil.stroke([(x, foot), (x, foot - tall)], thick)
    stencil.ellipse(x, foot - tall, thick / 2, thick / 2)
    for side in (-1, 1):
        at = foot - tall * canvas.between(0.35, 0.55)
        out = tall * 0.20 * side
        up = tall * canvas.between(0.22, 0.34)
        stencil.stroke(
            [(x, at), (x + out * 0.8, at), (x + out, at - tall * 0.06), (x + out, at - up)],
            thick * 0.72,
        )
        stencil.ellipse(x + out, at - up, thick * 0.36, thick * 0.36)
        stencil.ellipse(x + out * 0.93, at - tall * 0.01, thick * 0.36, thick * 0.36)
    stencil.ellipse(x, foot, thick * 1.3, thick * 0.25)
