"""The bundled demo model: it follows prompts, and its pictures carry the demo label."""

import importlib.util
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import OriginLabel
from tests.generators.builders import a_picture, an_image_job, encoded

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed (extra: diffusion)", allow_module_level=True)

from generators.engines.images.diffusion import DiffusionEngine

pytestmark = pytest.mark.heavy

FOLDER = Path(__file__).parents[3] / "generators" / "local_models" / "demo_model"


@pytest.fixture(scope="module")
def shown() -> Callable[..., np.ndarray]:
    """Return the centre of a picture of this prompt, height × width × RGB from 0 to 255."""
    engine = DiffusionEngine(GeneratorsSettings(diffusion_folder="demo"))

    def draw(prompt: str, seed: int = 1) -> np.ndarray:
        made = engine.draw(
            an_image_job(prompt=prompt, seed=seed, width=128, height=96, steps=12, guidance=3.0)
        )
        assert (made.engine, made.model, made.label) == (
            "diffusion",
            "demo_model",
            OriginLabel.DEMO,
        )
        return np.asarray(Image.open(io.BytesIO(made.data)), dtype=float)[:60]

    return draw


def test_demo_model_is_small_and_loads_without_code() -> None:
    files = [file for file in FOLDER.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 8 * 2**20
    assert {file.suffix for file in files} <= {".json", ".safetensors", ".txt"}


def test_night_is_darker_than_day_in_both_languages(shown: Callable[..., np.ndarray]) -> None:
    for place in ("city", "beach"):
        for day, night in (("noon", "night"), ("midi", "nuit")):
            assert shown(f"{place}, {night}").mean() + 30 < shown(f"{place}, {day}").mean()


def test_init_picture_works_with_non_square_training_sizes() -> None:
    """Found in use: the pipeline compared the pair of edges it was trained on with a number."""
    engine = DiffusionEngine(GeneratorsSettings(diffusion_folder="demo"))
    made = []
    for seed in (1, 2, 1):
        init = encoded(a_picture(96, 64, seed=seed), "PNG")
        made.append(
            engine.draw(
                an_image_job(prompt="beach", width=128, height=96, steps=4, init=init, strength=0.5)
            )
        )
    assert {one.label for one in made} == {OriginLabel.DEMO}
    assert (made[0].width, made[0].height) == (128, 96)
    assert made[0].data == made[2].data
    assert made[0].data != made[1].data


def test_places_have_their_colours(shown: Callable[..., np.ndarray]) -> None:
    """Check that forests are greener than deserts and beaches bluer."""

    def shares(prompt: str) -> np.ndarray:
        mean = np.mean([shown(prompt, seed).mean(axis=(0, 1)) for seed in (1, 2)], axis=0)
        return np.asarray(mean / mean.sum())

    forest, desert, beach = (
        shares(f"{place}, noon, clear, summer") for place in ("forest", "desert", "beach")
    )
    assert forest[1] > desert[1]
    assert beach[2] > desert[2]
