"""Negative prompts take effect where the model reads them and are refused where it does not."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import EngineMissing, GeneratedPicture, ImageJob
from generators.engines.images.diffusion import DiffusionEngine
from tests.generators import tiny_models as tiny
from tests.generators.builders import an_image_job, needs_diffusion

needs_diffusion()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("layouts")
    tiny.sd15(root / "one")
    tiny.sdxl(root / "xl")
    tiny.sd3(root / "three")
    tiny.flux(root / "flux")
    return root


@pytest.fixture(scope="module")
def engine(folders: Path) -> Iterator[DiffusionEngine]:
    made = DiffusionEngine(
        GeneratorsSettings(diffusion_folder=str(folders / "one"), diffusion_models=str(folders))
    )
    yield made
    made.pipelines.release_all()


def job(**changes: object) -> ImageJob:
    return an_image_job(**{"width": 64, "height": 64, **changes})


def pixels(picture: GeneratedPicture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.data)), dtype=int)


@pytest.mark.parametrize("model", ["one", "xl", "three", "flux"])
def test_negative_prompt_takes_effect_in_every_layout(engine: DiffusionEngine, model: str) -> None:
    plain = engine.draw(job(model=model))
    without = engine.draw(job(model=model, negative="blur and rain"))
    assert plain.data != without.data
    assert engine.draw(job(model=model, negative="blur")).data != without.data
    assert ("true_guidance" in without.parameters) == (model == "flux")
    assert "true_guidance" not in plain.parameters
    mixed = [job(model=model), job(model=model, negative="blur and rain")]
    for made, alone in zip(engine.draw_many(mixed), (plain, without), strict=True):
        assert np.abs(pixels(made) - pixels(alone)).max() <= 1, (
            "a negative prompt affects only its own picture"
        )


def test_negative_prompt_without_guidance_is_refused(
    engine: DiffusionEngine, folders: Path, tmp_path: Path
) -> None:
    with pytest.raises(EngineMissing, match="negative_unguided"):
        engine.draw(job(negative="blur", guidance=1.0))
    quick = shutil.copytree(folders / "one", tmp_path / "quick")
    index = json.loads((quick / "model_index.json").read_text())
    index["_class_name"] = "LatentConsistencyModelPipeline"
    (quick / "model_index.json").write_text(json.dumps(index))
    other = DiffusionEngine(GeneratorsSettings(diffusion_folder=str(quick)))
    with pytest.raises(EngineMissing, match="cannot_negative"):
        other.draw(job(negative="blur"))
    other.pipelines.release_all()
