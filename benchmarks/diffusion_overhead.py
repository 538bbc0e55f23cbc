"""Overhead of the diffusion engine: pictures through the engine compared with the bare pipeline,
and memory over many jobs.

Both run the demo model, or the model folder of the settings, with the same prompts, seeds, steps
and size, alternating in one process. The bare side calls the pipeline and saves a PNG, as a script
does.
"""

import gc
import importlib
import io
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import psutil

from foundation.ops import settings
from foundation.ops.clock import monotonic
from foundation.ops.settings import DEMO_MODEL, GeneratorsSettings
from generators.contract.engines import ImageJob
from generators.engines.images.diffusion import DiffusionEngine

WIDTH = 128
HEIGHT = 96
STEPS = 20
GUIDANCE = 6.0
ROUNDS = 15
TOGETHER = 4
MANY = 500
SETTLED = 20


def measure_diffusion() -> dict[str, float]:
    """Return the seconds for a picture (medians) of both sides, their ratio, and the MiB by which
    memory grew over 500 jobs. Raises EngineMissing without the optional packages for pictures."""
    given = settings.load_settings().generators
    engine = DiffusionEngine(
        given if given.diffusion_folder else GeneratorsSettings(diffusion_folder=DEMO_MODEL)
    )
    engine.draw(_build_job(0))
    pipeline = engine.pipelines.get_pipeline(engine.shelf.default)
    ours = []
    bare = []
    for seed in range(ROUNDS):  # alternating, so that other load on the machine affects both
        ours.append(_time_call(partial(engine.draw, _build_job(seed))))
        bare.append(_time_call(partial(_run_bare_pipeline, pipeline, seed)))
    batch = _time_call(
        lambda: list(engine.draw_many([_build_job(seed) for seed in range(TOGETHER)]))
    )
    return {
        "picture_s": median(ours),
        "bare_picture_s": median(bare),
        "picture_ratio": median(one / other for one, other in zip(ours, bare, strict=True)),
        "picture_of_four_s": batch / TOGETHER,
        "left_by_500_mib": _measure_leaked_memory(engine),
    }


def _build_job(seed: int, steps: int = STEPS) -> ImageJob:
    return ImageJob(
        "a beach at noon", seed=seed, width=WIDTH, height=HEIGHT, steps=steps, guidance=GUIDANCE
    )


def _time_call(act: Callable[[], Any]) -> float:
    began = monotonic()
    act()
    return monotonic() - began


def _run_bare_pipeline(pipeline: Any, seed: int) -> None:
    torch = importlib.import_module("torch")
    image = pipeline(
        prompt="a beach at noon",
        width=WIDTH,
        height=HEIGHT,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        generator=torch.Generator("cpu").manual_seed(seed),
    ).images[0]
    image.save(io.BytesIO(), "PNG", compress_level=4)


def _measure_leaked_memory(engine: DiffusionEngine) -> float:
    """Return the MiB by which this process grew over this number of jobs of one step, after the
    first few."""
    for seed in range(SETTLED):
        engine.draw(_build_job(seed, steps=1))
    gc.collect()
    before = psutil.Process().memory_info().rss
    for seed in range(MANY):
        engine.draw(_build_job(seed, steps=1))
    gc.collect()
    return (psutil.Process().memory_info().rss - before) / 2**20
