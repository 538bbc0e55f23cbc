"""Models that stay loaded between pictures, within the free memory; on tiny random weights."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import EngineBusy, GeneratedPicture, ImageJob, JobTooLarge
from generators.engines.images.diffusion import DiffusionEngine, Made, ReportStep
from generators.local_models.device import MEBIBYTE, ComputeDevice, choose_device, memory_budget
from generators.local_models.model_folders import ModelLibrary
from generators.local_models.pipelines import PipelineCache
from tests.generators import tiny_models as tiny
from tests.generators.builders import a_picture, an_image_job, encoded, needs_diffusion

needs_diffusion()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., GeneratorsSettings]:
    root: Path = tmp_path_factory.mktemp("models")
    one = tiny.sd15(root / "models" / "one")
    tiny.sd15(root / "models" / "two", seed=5)
    given = GeneratorsSettings(
        diffusion_folder=str(one),
        diffusion_models=str(root / "models"),
        diffusion_references=str(tiny.references(root / "references", one)),
        diffusion_poses=str(tiny.poses(root / "poses", one)),
    )

    def make(**changes: object) -> GeneratorsSettings:
        return given.model_copy(update=changes)

    return make


def job(**changes: object) -> ImageJob:
    return an_image_job(**{"width": 64, "height": 64, **changes})


def photo(seed: int = 1) -> bytes:
    return encoded(a_picture(64, 64, seed=seed), "PNG")


def pixels(picture: GeneratedPicture) -> NDArray[np.int64]:
    return np.asarray(Image.open(io.BytesIO(picture.data)), dtype=np.int64)


@pytest.mark.parametrize(
    "asked", [{"references": (photo(1), photo(2))}, {"pose": photo(1)}], ids=["look", "posture"]
)
def test_adapters_load_once_and_their_jobs_share_a_batch(
    settings: Callable[..., GeneratorsSettings], asked: dict[str, object]
) -> None:
    seen: list[int] = []

    class Counting(DiffusionEngine):
        """Record the size of each batch."""

        def _run_batch(self, batch: list[ImageJob], heard: ReportStep) -> list[Made]:
            seen.append(len(batch))
            return super()._run_batch(batch, heard)

    engine = Counting(settings())
    jobs = [job(seed=seed, **asked) for seed in (1, 2, 3)]
    together = list(engine.draw_many(jobs))
    assert seen == [3]
    (kept,) = engine.pipelines._beside.values()
    for picture, one in zip(together, jobs, strict=True):
        assert np.abs(pixels(picture) - pixels(engine.draw(one))).max() <= 1
    assert [one[0] for one in engine.pipelines._beside.values()] == [kept[0]]
    assert len({picture.data for picture in together}) == 3
    engine.draw(job())
    engine.pipelines.release_all()
    assert not engine.pipelines._beside


def test_memory_freed_by_other_processes_is_used(
    settings: Callable[..., GeneratorsSettings],
) -> None:
    """Free memory was once read only at process start: a model refused then was refused until a
    restart."""
    shelf = ModelLibrary(settings())
    one, two = shelf.find_model("one"), shelf.find_model("two")
    size = one.bytes_in("float32")
    free = [size // 2]
    place = ComputeDevice("cpu", "float32", size // 2, "CPU", most=3 * size)
    hot = PipelineCache(shelf.find_lora, place, budget=lambda _place, held: free[0] + held)
    with pytest.raises(EngineBusy, match="memory_taken"):
        hot.get_pipeline(one)
    free[0] = size
    assert hot.get_pipeline(one)
    # memory that other processes took since then evicts our model, and no more than that
    free[0] = 0
    with pytest.raises(EngineBusy, match="memory_taken"):
        hot.get_pipeline(two)
    with pytest.raises(JobTooLarge, match="model_too_large"):
        PipelineCache(shelf.find_lora, replace(place, most=size - 1)).get_pipeline(one)
    assert 0 < memory_budget(choose_device()) <= choose_device().most
    assert memory_budget(choose_device(7)) == choose_device(7).most == 7 * MEBIBYTE
