"""From a prompt and a seed to a drawn scene; the families by their place."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from generators.drawing import coast, land, rooms, town
from generators.drawing.canvas import Canvas
from generators.drawing.mood import Mood, mood_of
from generators.drawing.setting import Setting, understand

_FAMILIES: dict[str, Callable[[Canvas, Mood, Setting], None]] = {
    "beach": coast.beach,
    "city": town.city,
    "mountain": land.mountain,
    "forest": land.forest,
    "studio": rooms.studio,
    "cafe": rooms.cafe,
    "desert": coast.desert,
    "field": land.field,
}


def draw_scene(prompt: str, seed: int, width: int, height: int, *, grain: float = 1.6) -> tuple[Image.Image, Setting]:
    """Draw the scene `prompt` asks for, `width` × `height` pixels; the same arguments give the same pixels."""
    setting = understand(prompt, np.random.default_rng([seed, 1]))
    canvas = Canvas(width, height, np.random.default_rng([seed, 2]))
    _FAMILIES[setting.place](canvas, mood_of(setting), setting)
    return canvas.finish(grain=grain), setting
