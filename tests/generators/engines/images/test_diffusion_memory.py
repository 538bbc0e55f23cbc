"""Low memory: smaller batches, an error if a single picture does not fit, and an engine that still
works afterwards."""

import gc
import importlib
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import ImageJob, JobTooLarge
from generators.engines.images.diffusion import DiffusionEngine
from tests.generators import tiny_models as tiny
from tests.generators.builders import an_image_job, needs_diffusion

pytestmark = pytest.mark.heavy

needs_diffusion()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiffusionEngine]:
    folder = tmp_path_factory.mktemp("models")
    one = tiny.sd15(folder / "one")
    tiny.sd15(folder / "two", seed=5)
    made = DiffusionEngine(
        GeneratorsSettings(diffusion_folder=str(one), diffusion_models=str(folder))
    )
    yield made
    made.pipelines.release_all()


def job(**changes: object) -> ImageJob:
    return an_image_job(**{"width": 64, "height": 64, **changes})


def refused_by_a_card() -> None:
    raise importlib.import_module("torch").OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 2.00 GiB."
    )


def refused_by_a_processor() -> None:
    torch = importlib.import_module("torch")
    torch.empty(2**60, dtype=torch.uint8)  # makes its allocator refuse


@contextmanager
def room_for(most: int, refused: Callable[[], None]) -> Iterator[list[int]]:
    """Make the network refuse more than `most` pictures at once, as when memory runs out; yield the
    numbers tried.

    Objects that an earlier attempt held must be freed by then, or the smaller batch would find no
    more memory.
    """
    tried: list[int] = []
    held: list[weakref.ref[Any]] = []

    def enter(module: object, given: tuple[Any, ...]) -> None:
        if type(module).__name__ != "UNet2DConditionModel":
            return
        pictures = given[0].shape[0] // 2  # each picture runs with and without its prompt
        if not tried or tried[-1] != pictures:
            tried.append(pictures)
        if pictures > most:
            assert not [one for one in held if one() is not None]
            held.append(weakref.ref(given[0]))
            refused()

    hook = importlib.import_module("torch.nn.modules.module").register_module_forward_pre_hook(
        enter
    )
    try:
        yield tried
    finally:
        hook.remove()


@pytest.mark.parametrize("refused", [refused_by_a_card, refused_by_a_processor])
def test_low_memory_reduces_the_batch_size(
    engine: DiffusionEngine, refused: Callable[[], None]
) -> None:
    jobs = [job(seed=seed, steps=1) for seed in range(4)]
    engine.draw(job(model="two", steps=1))
    with room_for(1, refused) as tried:
        made = list(engine.draw_many(jobs))
    assert tried == [4, 2, 1, 2, 1]
    assert [picture.seed for picture in made] == [0, 1, 2, 3]
    assert engine.pipelines.loaded_names == ("one",), (
        "the other model is evicted before a batch is halved"
    )


def test_garbage_of_a_failed_half_is_collected_before_the_next(
    engine: DiffusionEngine,
) -> None:
    """A GPU with 2 GiB free drew one picture of 1024 x 1024 pixels and had no memory for the next
    (measured)."""
    engine.draw(job(steps=1))
    whole, kept = [True], list[int]()

    def collected(phase: str, told: dict[str, int]) -> None:
        whole[0] = whole[0] or (phase == "stop" and told["generation"] == 2)

    def enter(module: object, given: tuple[Any, ...]) -> None:
        if type(module).__name__ == "UNet2DConditionModel":
            # each picture runs with and without its prompt
            if given[0].shape[0] > 2 or not whole[0]:
                refused_by_a_card()
            whole[0] = False

    hook = importlib.import_module("torch.nn.modules.module").register_module_forward_pre_hook(
        enter
    )
    gc.callbacks.append(collected)
    try:
        kept += [
            picture.seed
            for picture in engine.draw_many([job(seed=seed, steps=1) for seed in range(4)])
        ]
    finally:
        gc.callbacks.remove(collected)
        hook.remove()
    assert kept == [0, 1, 2, 3]


def test_picture_that_never_fits_raises_and_the_engine_still_works(engine: DiffusionEngine) -> None:
    before = engine.draw(job()).data
    with room_for(0, refused_by_a_processor), pytest.raises(JobTooLarge, match=r"engine\.memory"):
        engine.draw(job())
    assert engine.draw(job()).data == before


def test_other_errors_are_not_treated_as_low_memory(engine: DiffusionEngine) -> None:
    def broken() -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with room_for(0, broken), pytest.raises(RuntimeError, match="mat1"):
        engine.draw(job())
