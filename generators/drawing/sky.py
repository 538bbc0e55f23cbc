"""Sky, clouds, sun, stars, rain and reflections, shared by all outdoor scenes."""

import numpy as np
from PIL import Image, ImageChops

from generators.drawing.canvas import Canvas, Floats, mix_colours
from generators.drawing.lighting import SceneLight
from generators.drawing.scene_prompt import SceneSetting


def draw_sky(
    canvas: Canvas, mood: SceneLight, setting: SceneSetting, *, horizon: float, sun_x: float
) -> None:
    """Draw the sky down to `horizon`, with the sun or moon at `sun_x` (share of the width), stars
    and clouds."""
    stops = [(0.0, mood.zenith), (horizon * 0.55, mood.middle), (horizon, mood.horizon)]
    canvas.image.paste(canvas.gradient(stops))
    x = canvas.across(sun_x)
    y = horizon * (0.25 + mood.sun_height * 1.5)
    if mood.night:
        _draw_stars(canvas, horizon)
    veiled = setting.weather in ("rain", "mist")
    if not veiled:
        _draw_sun(canvas, mood, x, y)
    else:
        canvas.glow(x, y, 0.7, mood.sun, 0.18)
    cover = {"clear": 0.30, "cloudy": 0.62, "rain": 0.85, "mist": 0.35}[setting.weather]
    draw_clouds(canvas, mood, horizon=horizon, cover=cover, sun=(x, y))


def _draw_sun(canvas: Canvas, mood: SceneLight, x: float, y: float) -> None:
    canvas.glow(x, y, 0.95, mood.sun, 0.30 if mood.night else 0.48)
    canvas.glow(x, y, 0.30, mood.sun, 0.35 if mood.night else 0.60)
    disc = canvas.stencil()
    disc.ellipse(x, y, 0.034, 0.034)
    canvas.fill(disc.done(0.0012), mix_colours(mood.sun, (255, 255, 255), 0.35))
    if mood.night:
        seas = canvas.stencil()
        for dx, dy, r in ((-0.010, -0.008, 0.009), (0.010, 0.004, 0.007), (-0.002, 0.014, 0.006)):
            seas.ellipse(x + dx, y + dy, r, r)
        canvas.fill(seas.done(0.002), mix_colours(mood.sun, mood.middle, 0.25), 0.5)


def _draw_stars(canvas: Canvas, horizon: float) -> None:
    count = 260
    field = np.zeros((canvas.height, canvas.width), dtype=np.uint8)
    ys = (canvas.rng.random(count) ** 1.4 * horizon * canvas.height).astype(int)
    xs = (canvas.rng.random(count) * (canvas.width - 1)).astype(int)
    field[np.clip(ys, 0, canvas.height - 1), xs] = (
        canvas.rng.random(count) ** 2 * 200 + 55
    ).astype(np.uint8)
    stars = Image.fromarray(field, "L")
    canvas.light(stars, (255, 255, 255))
    bright = stars.point(lambda v: 255 if v > 190 else 0)
    canvas.light(bright.resize(stars.size).reduce(1), (210, 224, 255), 0.6)


def draw_clouds(
    canvas: Canvas, mood: SceneLight, *, horizon: float, cover: float, sun: tuple[float, float]
) -> None:
    """Draw streaks and heaps of cloud, brighter near the sun, thinner at the zenith and the
    horizon."""
    heap = canvas.noise(3.0 * canvas.aspect, 7.0, 5, fall=0.55)
    veil = canvas.noise(1.5 * canvas.aspect, 12.0, 4)
    ys = np.linspace(0, 1, heap.shape[0], dtype=np.float32)[:, None] / max(horizon, 1e-3)
    xs = np.linspace(0, canvas.aspect, heap.shape[1], dtype=np.float32)[None, :]
    band = np.clip(1.1 - np.abs(ys - 0.55) * 1.7, 0, 1) * (ys < 1.02)
    edge = 0.92 - cover * 0.62
    thick = np.clip((0.72 * heap + 0.28 * veil - edge + 0.06) / 0.30, 0, 1) * band
    near = np.exp(-(((xs - sun[0]) ** 2 + (ys * horizon - sun[1]) ** 2) / 0.18))
    relief = np.clip(0.5 + (heap - np.roll(heap, -6, axis=0)) * 5, 0, 1)
    lit = np.clip(0.35 + 0.5 * relief + 0.5 * near, 0, 1)
    body = mix_colours(mood.cloud, mood.middle, 0.45)
    canvas.fill(canvas.plate(thick * (0.9 if not mood.night else 0.6)), body)
    canvas.fill(canvas.plate(thick * lit * 0.95), mix_colours(mood.cloud, mood.sun, 0.3))


def draw_haze(
    canvas: Canvas, mood: SceneLight, y: float, thickness: float, strength: float = 0.5
) -> None:
    """Draw a band of mist at the height `y`."""
    rows = np.linspace(0, 1, canvas.height, dtype=np.float32)[:, None]
    band = np.exp(-(((rows - y) / thickness) ** 2)) * strength
    wisps = canvas.noise(2.5, 6.0, 3)
    half = np.exp(
        -(((np.linspace(0, 1, wisps.shape[0], dtype=np.float32)[:, None] - y) / thickness) ** 2)
    )
    mask = (
        canvas.plate(np.clip(half * strength * (0.55 + 0.9 * wisps), 0, 1))
        if band.max() > 0
        else canvas.plate(band)
    )
    canvas.fill(mask, mix_colours(mood.horizon, (255, 255, 255), 0.1 if not mood.night else 0.0))


def draw_precipitation(canvas: Canvas, setting: SceneSetting) -> None:
    """Draw rain, or snow in winter, in front of the scene."""
    if setting.season == "winter" and setting.weather != "clear":
        _draw_snowfall(canvas)
    elif setting.weather == "rain":
        streaks = canvas.stencil()
        for _ in range(420):
            x = canvas.between(-0.1, canvas.aspect)
            y = canvas.between(-0.05, 1)
            long = canvas.between(0.02, 0.05)
            streaks.stroke([(x, y), (x + long * 0.18, y + long)], 0.0011, 150)
        canvas.light(streaks.done(0.0006), (206, 220, 236), 0.42)


def _draw_snowfall(canvas: Canvas) -> None:
    for count, size, strength in ((260, 0.0016, 0.6), (90, 0.0032, 0.8), (26, 0.0075, 0.55)):
        flakes = canvas.stencil()
        for _ in range(count):
            flakes.ellipse(canvas.between(0, canvas.aspect), canvas.between(0, 1), size, size)
        canvas.fill(flakes.done(size * 0.3), (255, 255, 255), strength)


def water_ripples(canvas: Canvas, top: float) -> Floats:
    """Return ripples in perspective below `top`, fine in the distance and broad nearby, as values
    in [0, 1] at half size."""
    tile = canvas.noise(9 * canvas.aspect, 60, 3)
    rows = tile.shape[0]
    first = round(top * rows)
    depth = (np.arange(rows, dtype=np.float32) - first + 1) / max(1, rows - first)
    back = np.clip(1.0 / (np.clip(depth, 0.004, 1) + 0.05), 0, 20) / 20
    picked: Floats = tile[np.clip((back * (rows - 1)).astype(int), 0, rows - 1)]
    picked[:first] = 0
    return picked


def draw_reflection(canvas: Canvas, top: float, strength: float = 0.75) -> None:
    """Draw still water below `top` that reflects the scene above it, darker and rippled."""
    line = round(top * canvas.height)
    deep = canvas.height - line
    if deep < 2 or line < 2:
        return
    above = canvas.image.crop((0, max(0, line - round(deep * 1.25)), canvas.width, line))
    flipped = above.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize(
        (canvas.width, deep), Image.Resampling.BILINEAR
    )
    pixels = np.asarray(flipped)
    depth = np.linspace(0, 1, deep)
    sway = (
        (np.sin(np.cumsum(0.9 / (0.15 + depth) * 0.30)) * (0.6 + 9 * depth) * canvas.height / 1200)
        .round()
        .astype(int)
    )
    columns = (np.arange(canvas.width)[None, :] + sway[:, None]) % canvas.width
    rippled = Image.fromarray(pixels[np.arange(deep)[:, None], columns], "RGB")
    water = Image.blend(
        canvas.image.crop((0, line, canvas.width, canvas.height)), rippled, strength
    )
    dim = Image.new("RGB", water.size, (232, 236, 242))
    canvas.image.paste(ImageChops.multiply(water, dim), (0, line))
