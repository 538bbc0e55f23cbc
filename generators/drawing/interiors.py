"""Indoor scenes: a photo studio, and a café seen towards its window."""

import math

import numpy as np
from PIL import Image, ImageChops

from generators.drawing import plants, sky
from generators.drawing.canvas import Canvas, Colour, Point, mix_colours, soften, tint_colour
from generators.drawing.lighting import SceneLight
from generators.drawing.scene_prompt import SceneSetting


def draw_studio(canvas: Canvas, mood: SceneLight, setting: SceneSetting) -> None:
    """Draw an empty studio set: painted wall, arch, steps, a sphere, a plant, and light through a
    window."""
    wall = mix_colours(
        mix_colours(setting.accent, (246, 232, 218), 0.62),
        mood.shade,
        mood.dark * (1.0 if mood.night else 0.35),
    )
    wall = tint_colour(wall, mood.light, 0.2 if mood.night else 0.9)
    deep = mix_colours(setting.accent, (96, 60, 62), 0.25)
    floor = canvas.between(0.70, 0.75)
    paint = canvas.gradient(
        [
            (0.0, mix_colours(wall, (255, 255, 255), 0.12)),
            (floor, wall),
            (floor + 0.03, mix_colours(wall, deep, 0.10)),
            (1.0, mix_colours(wall, (255, 255, 255), 0.2)),
        ]
    )
    canvas.image.paste(paint)
    key = canvas.between(0.28, 0.42) if canvas.rng.random() < 0.5 else canvas.between(0.58, 0.72)
    canvas.glow(canvas.across(key), 0.30, 0.95, (255, 246, 232), 0.36)
    side = 1 if key < 0.5 else -1
    _window_light(canvas, mood, side)
    centre = canvas.across(0.5 + side * 0.06)
    _draw_arch(canvas, (centre, floor + 0.045), (0.27, 0.66), mix_colours(wall, deep, 0.55), side)
    _draw_steps(canvas, centre + side * 0.30, floor + 0.12, wall, side)
    _draw_pedestal(
        canvas,
        (centre - side * 0.04, floor + 0.13),
        (0.13, 0.15),
        mix_colours(wall, (255, 255, 255), 0.5),
        side,
    )
    sphere = mix_colours(setting.accent, (255, 255, 255), 0.05)
    _draw_sphere(canvas, (centre - side * 0.04, floor - 0.128), 0.115, sphere, side)
    _draw_plant_pot(
        canvas, centre - side * 0.42, floor + 0.15, mix_colours(deep, (60, 44, 44), 0.3), side
    )
    _draw_disc(
        canvas,
        centre + side * 0.12,
        0.22,
        0.075,
        mix_colours((246, 206, 120), setting.accent, 0.15),
    )
    if mood.night:
        canvas.glow(
            canvas.across(0.5 + side * 0.4),
            0.5,
            0.7,
            mix_colours(setting.accent, (255, 90, 190), 0.5),
            0.42,
        )


def _window_light(canvas: Canvas, mood: SceneLight, side: int) -> None:
    """Draw the light of a window on the wall: high at noon, low in the evening."""
    panes = canvas.stencil()
    x0 = canvas.across(0.5) + side * 0.12
    for row in range(3):
        for column in range(2):
            x = x0 + side * column * 0.19
            y = 0.06 + mood.sun_height * 0.5 + row * 0.19
            skew = 0.10 * side
            panes.polygon(
                [
                    (x, y),
                    (x + 0.165 * side, y - 0.045),
                    (x + 0.165 * side + skew * 0.4, y + 0.125),
                    (x + skew * 0.4, y + 0.17),
                ]
            )
    canvas.light(
        panes.done(0.006),
        mix_colours(mood.sun, (255, 238, 208), 0.4),
        0.25 if mood.night else 0.45 + mood.dark,
    )


def _draw_shadow(canvas: Canvas, at: Point, rx: float, ry: float, strength: float = 0.42) -> None:
    stencil = canvas.stencil()
    stencil.ellipse(*at, rx, ry)
    canvas.fill(stencil.done(0.018), (58, 36, 44), strength)


def _fill_cylinder(
    canvas: Canvas, mask: Image.Image, span: tuple[float, float], colour: Colour, side: int
) -> None:
    """Fill a mask as the side of an upright cylinder, lit from one side; `span` is its centre and
    half width."""
    x, half = span
    across = (np.linspace(0, canvas.aspect, canvas.width, dtype=np.float32) - x) / half
    fall = np.clip(0.62 - 0.5 * across * side - 0.22 * across**2, 0, 1)
    dark = mix_colours(colour, (66, 40, 52), 0.42)
    bright = mix_colours(colour, (255, 250, 240), 0.35)
    row = np.stack([dark[i] + (bright[i] - dark[i]) * fall for i in range(3)], axis=1)
    plate = Image.fromarray(np.clip(row, 0, 255).astype(np.uint8)[None, :, :], "RGB")
    canvas.fill(mask, plate.resize((canvas.width, canvas.height), Image.Resampling.NEAREST))


def _draw_arch(canvas: Canvas, at: Point, size: Point, colour: Colour, side: int) -> None:
    (x, foot) = at
    (wide, tall) = size
    _draw_shadow(canvas, (x + side * 0.05, foot), wide * 1.2, 0.026)
    inner = canvas.stencil()
    inner.ellipse(x, foot - tall + wide, wide, wide)
    inner.rect(x - wide, foot - tall + wide, wide * 2, tall - wide)
    mask = inner.done()
    canvas.fill(
        mask,
        canvas.gradient(
            [
                (foot - tall, mix_colours(colour, (70, 44, 54), 0.18)),
                (foot, mix_colours(colour, (255, 240, 224), 0.22)),
            ]
        ),
    )
    depth = canvas.stencil()
    shift = 0.052 * side
    depth.ellipse(x + shift, foot - tall + wide + 0.02, wide, wide)
    depth.rect(x + shift - wide, foot - tall + wide + 0.02, wide * 2, tall)
    reveal = ImageChops.subtract(mask, depth.done())
    canvas.fill(reveal, mix_colours(colour, (255, 252, 244), 0.62))
    cast = ImageChops.multiply(
        mask, soften(Image.eval(depth.done(), lambda v: 255 - v), canvas.height * 0.03)
    )
    canvas.fill(cast, (58, 36, 44), 0.16)


def _draw_steps(canvas: Canvas, x: float, foot: float, wall: Colour, side: int) -> None:
    _draw_shadow(canvas, (x, foot + 0.005), 0.25, 0.024)
    for i in range(3):
        wide = 0.40 - 0.12 * i
        top = foot - 0.062 * (i + 1)
        left = x - 0.20 + (0.12 * i if side > 0 else 0)
        face = canvas.stencil()
        tread = canvas.stencil()
        face.rect(left, top, wide, 0.064)
        tread.polygon(
            [
                (left, top),
                (left + wide, top),
                (left + wide - 0.012, top - 0.014),
                (left + 0.012, top - 0.014),
            ]
        )
        canvas.fill(
            face.done(),
            canvas.gradient(
                [
                    (top, mix_colours(wall, (120, 80, 76), 0.20)),
                    (top + 0.064, mix_colours(wall, (120, 80, 76), 0.34)),
                ]
            ),
        )
        canvas.fill(tread.done(), mix_colours(wall, (255, 255, 255), 0.45))


def _draw_pedestal(canvas: Canvas, at: Point, size: Point, colour: Colour, side: int) -> None:
    (x, foot) = at
    (half, tall) = size
    _draw_shadow(canvas, (x + side * 0.05, foot + 0.004), half * 1.35, 0.036)
    body = canvas.stencil()
    body.rect(x - half, foot - tall, half * 2, tall)
    body.ellipse(x, foot, half, half * 0.2)
    _fill_cylinder(canvas, body.done(), (x, half), colour, side)
    top = canvas.stencil()
    top.ellipse(x, foot - tall, half, half * 0.2)
    canvas.fill(top.done(), mix_colours(colour, (255, 255, 255), 0.45))
    _draw_shadow(canvas, (x + side * 0.02, foot - tall), half * 0.6, half * 0.10, 0.34)


def _draw_sphere(canvas: Canvas, at: Point, radius: float, colour: Colour, side: int) -> None:
    x, y = at
    ball = canvas.stencil()
    ball.ellipse(x, y, radius, radius)
    mask = ball.done()
    canvas.fill(mask, mix_colours(colour, (56, 30, 44), 0.48))
    for reach, bright, strength in ((1.55, 0.10, 0.95), (1.0, 0.35, 0.8), (0.42, 0.85, 0.75)):
        spot = canvas.halo(x - side * radius * 0.36, y - radius * 0.40, radius * reach, 1.5)
        canvas.fill(
            ImageChops.multiply(mask, spot), mix_colours(colour, (255, 252, 246), bright), strength
        )


def _draw_plant_pot(canvas: Canvas, x: float, foot: float, colour: Colour, side: int) -> None:
    _draw_shadow(canvas, (x + side * 0.03, foot), 0.12, 0.022)
    for shade, shift in ((0.45, 0.0), (0.0, 0.006)):
        green = canvas.stencil()
        plants.draw_pot_plant(canvas, green, (x - shift * side, foot - 0.10), 0.44 - 5 * shift, 11)
        canvas.fill(green.done(), mix_colours((74, 122, 92), (28, 56, 52), shade))
    pot = canvas.stencil()
    pot.polygon(
        [(x - 0.075, foot - 0.13), (x + 0.075, foot - 0.13), (x + 0.055, foot), (x - 0.055, foot)]
    )
    pot.ellipse(x, foot, 0.055, 0.010)
    _fill_cylinder(canvas, pot.done(), (x, 0.085), mix_colours(colour, (236, 214, 196), 0.25), side)
    rim = canvas.stencil()
    rim.ellipse(x, foot - 0.13, 0.075, 0.012)
    canvas.fill(rim.done(), mix_colours(colour, (40, 26, 30), 0.5))


def _draw_disc(canvas: Canvas, x: float, y: float, radius: float, colour: Colour) -> None:
    _draw_shadow(canvas, (x + 0.02, y + 0.026), radius, radius, 0.20)
    disc = canvas.stencil()
    disc.ellipse(x, y, radius, radius)
    canvas.fill(
        disc.done(),
        canvas.gradient(
            [(y - radius, mix_colours(colour, (255, 255, 255), 0.35)), (y + radius, colour)]
        ),
    )


def draw_cafe(canvas: Canvas, mood: SceneLight, setting: SceneSetting) -> None:
    """Draw a window with a blurred town behind it, lamps, and a table with a steaming cup."""
    _draw_window_view(canvas, mood, setting)
    _draw_window_frame(canvas, mood)
    _draw_pendant_lamps(canvas, mood, setting)
    _bench_plant(canvas, mood)
    table = 0.74
    _draw_table(canvas, mood, table)
    side = 1 if canvas.rng.random() < 0.5 else -1
    x = canvas.across(0.5 + side * 0.06)
    _draw_cup(canvas, mood, setting.accent, (x, table + 0.10), side)
    reach = min(0.40, canvas.across(0.36))
    _draw_pastry(canvas, mood, x - side * reach, table + 0.14)
    _draw_vase(canvas, mood, setting.accent, (x + side * reach, table + 0.06), side)


def _draw_window_view(canvas: Canvas, mood: SceneLight, setting: SceneSetting) -> None:
    sky.draw_sky(canvas, mood, setting, horizon=0.5, sun_x=canvas.between(0.2, 0.8))
    street = canvas.stencil()
    x = 0.0
    while x < canvas.aspect:
        wide = canvas.between(0.12, 0.24)
        tall = canvas.between(0.22, 0.44)
        street.rect(x, 0.66 - tall, wide * 0.94, tall + 0.1, round(canvas.between(150, 255)))
        x += wide
    canvas.fill(street.done(0.016), mood.in_light((178, 148, 128), 0.25), 0.9)
    ground = canvas.below(np.full(max(2, canvas.width // 2), 0.60, dtype=np.float32))
    canvas.fill(ground, mood.in_light((142, 130, 124), 0.2))
    canvas.image = soften(canvas.image, canvas.height * 0.020)
    tones: tuple[Colour, ...] = (
        (255, 208, 128),
        (255, 176, 106),
        setting.accent,
        (255, 236, 196),
        (180, 214, 240),
    )
    strength = 0.75 if mood.dark > 0.15 else 0.30
    for tone in tones:
        discs = canvas.stencil()
        for _ in range(7):
            radius = canvas.between(0.012, 0.042)
            level = round(190 * strength * canvas.between(0.4, 1.0))
            discs.ellipse(
                canvas.between(0, canvas.aspect), canvas.between(0.20, 0.62), radius, radius, level
            )
        canvas.light(discs.done(0.0018), tone)


def _draw_window_frame(canvas: Canvas, mood: SceneLight) -> None:
    wood = mix_colours(mood.in_light((74, 54, 46)), (46, 32, 30), 0.4)
    frame = canvas.stencil()
    for share in (0.0, 0.335, 0.665, 1.0):
        frame.rect(canvas.across(share) - 0.014, 0, 0.028, 0.80)
    frame.rect(0, 0.0, canvas.aspect, 0.05)
    frame.rect(0, 0.205, canvas.aspect, 0.016)
    frame.rect(0, 0.675, canvas.aspect, 0.07)
    mask = frame.done()
    canvas.fill(mask, wood)
    edge = ImageChops.subtract(mask, ImageChops.offset(mask, 2, 2))
    canvas.light(edge, mood.sun, 0.35)


def _draw_pendant_lamps(canvas: Canvas, mood: SceneLight, setting: SceneSetting) -> None:
    for share in (0.18, 0.5, 0.82):
        x = canvas.across(share) + canvas.between(-0.03, 0.03)
        y = canvas.between(0.20, 0.29)
        cord = canvas.stencil()
        shade = canvas.stencil()
        cord.stroke([(x, 0), (x, y - 0.05)], 0.0028)
        dome: list[Point] = [
            (x + 0.068 * math.cos(math.pi * i / 20), y - 0.058 * math.sin(math.pi * i / 20))
            for i in range(21)
        ]
        shade.polygon(dome)
        canvas.fill(cord.done(), (34, 28, 28))
        _fill_cylinder(
            canvas, shade.done(), (x, 0.085), mix_colours(setting.accent, (40, 34, 38), 0.35), 1
        )
        canvas.glow(x, y + 0.012, 0.30, (255, 198, 120), 0.42)
        canvas.glow(x, y + 0.006, 0.060, (255, 240, 206), 0.95)


def _bench_plant(canvas: Canvas, mood: SceneLight) -> None:
    green = canvas.stencil()
    side = canvas.rng.random() < 0.5
    plants.draw_pot_plant(canvas, green, (canvas.across(0.04 if side else 0.96), 0.74), 0.42, 14)
    canvas.fill(green.done(0.003), mix_colours(mood.in_light((64, 104, 78)), (24, 40, 38), 0.35))


def _draw_table(canvas: Canvas, mood: SceneLight, top: float) -> None:
    wood = mix_colours(mood.in_light((172, 118, 82)), (206, 146, 96), 0.35)
    mask = canvas.below(np.full(max(2, canvas.width // 2), top, dtype=np.float32))
    canvas.fill(
        mask,
        canvas.gradient(
            [
                (top, mix_colours(wood, (255, 226, 186), 0.45)),
                (top + 0.10, wood),
                (1.0, mix_colours(wood, (64, 38, 32), 0.5)),
            ]
        ),
    )
    rows = max(1, canvas.height // 2)
    inside = np.asarray(mask.resize((max(1, canvas.width // 2), rows)), dtype=np.float32) / 255
    veins = canvas.noise(2.0 * canvas.aspect, 120, 3)
    canvas.fill(
        canvas.plate(np.clip((veins - 0.52) * 3, 0, 1) * inside * 0.42),
        mix_colours(wood, (60, 34, 26), 0.6),
    )
    canvas.glow(canvas.across(0.5), top + 0.02, 0.7, (255, 224, 176), 0.20)


def _draw_cup(canvas: Canvas, mood: SceneLight, accent: Colour, at: Point, side: int) -> None:
    x, y = at
    china = mix_colours(accent, (252, 246, 238), 0.72)
    _draw_shadow(canvas, (x + 0.03 * side, y + 0.055), 0.23, 0.036, 0.5)
    for rx, ry, drop, shade in (
        (0.205, 0.046, 0.052, 0.14),
        (0.200, 0.043, 0.047, 0.0),
        (0.115, 0.022, 0.045, 0.12),
    ):
        saucer = canvas.stencil()
        saucer.ellipse(x, y + drop, rx, ry)
        canvas.fill(saucer.done(), mix_colours(china, (96, 66, 60), shade))
    handle = canvas.stencil()
    ring = [
        (x + side * (0.118 + 0.050 * math.sin(math.pi * t / 12)), y - 0.070 + 0.085 * t / 12)
        for t in range(13)
    ]
    handle.stroke(ring, 0.015)
    canvas.fill(handle.done(), mix_colours(china, (110, 80, 74), 0.16))
    bowl = canvas.stencil()
    right = [
        (x + 0.125 * (1 - (t / 14) ** 2.6 * 0.52), y - 0.085 + 0.135 * t / 14) for t in range(15)
    ]
    bowl.polygon([*right, *[(2 * x - px, py) for px, py in reversed(right)]])
    bowl.ellipse(x, y + 0.050, 0.060, 0.012)
    _fill_cylinder(canvas, bowl.done(), (x, 0.15), china, side)
    for rx, ry, tone in (
        (0.125, 0.034, mix_colours(china, (255, 255, 255), 0.6)),
        (0.114, 0.029, (122, 76, 48)),
        (0.100, 0.024, (176, 122, 82)),
    ):
        rim = canvas.stencil()
        rim.ellipse(x, y - 0.085, rx, ry)
        canvas.fill(rim.done(), tint_colour(tone, mood.light, 0.5))
    foam = canvas.stencil()
    for i in range(4):
        foam.ellipse(x, y - 0.094 + 0.0065 * i, 0.018 + 0.013 * i, 0.0065)
    canvas.fill(foam.done(0.0012), (246, 226, 196), 0.85)
    _draw_steam(canvas, x, y - 0.10)


def _draw_steam(canvas: Canvas, x: float, y: float) -> None:
    wisps = canvas.stencil()
    for shift in (-0.035, 0.0, 0.04):
        phase = canvas.between(0, 6)
        path = [
            (x + shift + 0.020 * math.sin(phase + t / 4.2) * (0.4 + t / 24), y - 0.0115 * t)
            for t in range(24)
        ]
        for (x0, y0), (x1, y1), t in zip(path, path[1:], range(24), strict=False):
            wisps.stroke([(x0, y0), (x1, y1)], 0.012 + 0.0006 * t, round(190 * (1 - t / 24)))
    canvas.light(wisps.done(0.011), (255, 250, 242), 0.62)


def _draw_pastry(canvas: Canvas, mood: SceneLight, x: float, y: float) -> None:
    _draw_shadow(canvas, (x, y + 0.022), 0.17, 0.030, 0.42)
    plate = canvas.stencil()
    plate.ellipse(x, y + 0.012, 0.16, 0.036)
    canvas.fill(plate.done(), mix_colours(mood.in_light((248, 244, 238)), (255, 250, 240), 0.4))
    for i in range(7):
        t = (i - 3) / 3
        part = canvas.stencil()
        part.ellipse(x + 0.098 * t, y - 0.020 + 0.034 * t * t, 0.036, 0.044 * (1 - 0.42 * abs(t)))
        canvas.fill(part.done(), mix_colours((222, 150, 70), (150, 84, 38), 0.15 + 0.28 * (i % 2)))
        shine = canvas.stencil()
        shine.ellipse(
            x + 0.098 * t - 0.008, y - 0.038 + 0.034 * t * t, 0.014, 0.012 * (1 - 0.3 * abs(t))
        )
        canvas.fill(shine.done(0.005), (250, 208, 140), 0.75)


def _draw_vase(canvas: Canvas, mood: SceneLight, accent: Colour, at: Point, side: int) -> None:
    x, foot = at
    _draw_shadow(canvas, (x, foot + 0.004), 0.07, 0.014, 0.4)
    stems = canvas.stencil()
    blooms = canvas.stencil()
    hearts = canvas.stencil()
    for i in range(7):
        angle = math.pi * (0.24 + 0.52 * i / 6)
        tip = (
            x + math.cos(angle) * 0.15,
            foot - 0.11 - math.sin(angle) * 0.13 * canvas.between(0.85, 1.2),
        )
        stems.stroke([(x, foot - 0.10), tip], 0.004)
        for petal in range(7):
            turn = math.tau * petal / 7
            blooms.ellipse(
                tip[0] + math.cos(turn) * 0.014, tip[1] + math.sin(turn) * 0.012, 0.0105, 0.0105
            )
        hearts.ellipse(tip[0], tip[1], 0.0075, 0.007)
    canvas.fill(stems.done(), mood.in_light((78, 112, 72)))
    canvas.fill(blooms.done(), mix_colours(mood.in_light(accent), (255, 240, 226), 0.25))
    canvas.fill(hearts.done(), (246, 204, 96))
    glass = canvas.stencil()
    glass.polygon(
        [
            (x - 0.036, foot - 0.115),
            (x + 0.036, foot - 0.115),
            (x + 0.048, foot - 0.04),
            (x + 0.038, foot),
            (x - 0.038, foot),
            (x - 0.048, foot - 0.04),
        ]
    )
    _fill_cylinder(
        canvas, glass.done(), (x, 0.06), mix_colours(accent, (210, 226, 226), 0.75), side
    )
