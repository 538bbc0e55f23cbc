"""Drawing of a scene from a prompt and a seed. The kind of place in the prompt selects it."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from generators.drawing import city, coast, countryside, interiors
from generators.drawing.canvas import Canvas
from generators.drawing.lighting import SceneLight, light_of
from generators.drawing.scene_prompt import SceneSetting, parse_scene_prompt

_FAMILIES: dict[str, Callable[[Canvas, SceneLight, SceneSetting], None]] = {
    "beach": coast.draw_beach,
    "city": city.draw_city,
    "mountain": countryside.draw_mountains,
    "forest": countryside.draw_forest,
    "studio": interiors.draw_studio,
    "cafe": interiors.draw_cafe,
    "desert": coast.draw_desert,
    "field": countryside.draw_field,
}


def draw_scene(
    prompt: str, seed: int, width: int, height: int, *, grain: float = 1.6
) -> tuple[Image.Image, SceneSetting]:
    """Draw the scene of `prompt` in `width` × `height` pixels. The same arguments give the same
    pixels."""
    setting = parse_scene_prompt(prompt, np.random.default_rng([seed, 1]))
    canvas = Canvas(width, height, np.random.default_rng([seed, 2]))
    _FAMILIES[setting.place](canvas, light_of(setting), setting)
    return canvas.finish(grain=grain), setting
