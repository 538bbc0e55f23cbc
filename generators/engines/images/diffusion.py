"""Pictures by diffusers pipelines from local folders: from a prompt, an initial picture, a style
reference or a pose.

torch is an optional extra (`pip install greenroom[diffusion]`) and takes seconds to load. It is
imported by the first picture, not by this module, so that choosing an engine is cheap. Nothing is
downloaded from a hub unless a setting allows it.
"""

import importlib
import importlib.metadata
import inspect
import io
import math
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from PIL import Image

from foundation.i18n.translation import Message
from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import (
    EngineMissing,
    GeneratedPicture,
    ImageEngine,
    ImageJob,
    JobTooLarge,
    OriginLabel,
    Progress,
    check_inputs_supported,
    ignore_progress,
)
from generators.local_models import device, pipelines
from generators.local_models.model_folders import ModelFiles, ModelLibrary
from generators.local_models.pipelines import PipelineCache
from generators.media import pictures
from generators.retouch import label_stamps

SCHEDULERS = {
    "ddim": "DDIMScheduler",
    "euler": "EulerDiscreteScheduler",
    "dpm++": "DPMSolverMultistepScheduler",
    "unipc": "UniPCMultistepScheduler",
}
Made = tuple[Image.Image, dict[str, str | int | float]]
"""A picture, and the parameters that reproduce it on the same build."""

ReportStep = Callable[[int], None]
"""Called with the number of completed steps of a batch."""

_FLOWS = "FlowMatch"

TRUE_GUIDANCE = 4.0
"""Weight of the negative prompt in guidance-distilled models such as Flux: the default of diffusers
pipelines that always run twice (`QwenImagePipeline`, `true_cfg_scale`)."""


def load_engine(settings: GeneratorsSettings) -> ImageEngine | None:
    """Return the engine of the configured folder, or None.

    Raises EngineMissing if the folder is not a model folder, or a package is missing.
    """
    return DiffusionEngine(settings) if settings.diffusion_folder else None


class DiffusionEngine:
    """The engine for the image models on this machine. It runs one job at a time; a second one
    waits."""

    name = "diffusion"

    def __init__(self, settings: GeneratorsSettings) -> None:
        """Open the model library. Raises EngineMissing if the folder is not a model folder, or a
        package is missing."""
        self._settings = settings
        self.shelf = ModelLibrary(settings)
        self._lock = threading.Lock()
        self.model = self.shelf.default.name
        self.does = self.shelf.supported_inputs

    @cached_property
    def device(self) -> device.ComputeDevice:
        """The device that runs the models; the first access loads torch."""
        pipelines.release_all_models()
        return device.choose_device(self._settings.diffusion_memory_mib)

    @cached_property
    def pipelines(self) -> PipelineCache:
        """The loaded models."""
        return PipelineCache(self.shelf.find_lora, self.device, hub=self._settings.diffusion_hub)

    def device_message(self) -> Message:
        """Return a message about the device and its precision; loads torch. Raises JobTooLarge if
        the default model does not fit."""
        place = self.device
        model = self.shelf.default
        needed = model.bytes_in(place.dtype)
        sizes = {"needed": -(-needed // device.MEBIBYTE), "budget": place.budget // device.MEBIBYTE}
        if needed > place.most:
            raise JobTooLarge("engine.model_too_large", model=model.name, **sizes)
        return Message(
            f"engine.runs_{place.kind}", {"device": place.name, "dtype": place.dtype, **sizes}
        )

    def list_models(self) -> tuple[list[str], list[str]]:
        """Return the names of the other models (folders and files) and of the LoRA files."""
        return self.shelf.list_models(), self.shelf.list_loras()

    def model_problems(self) -> list[Message]:
        """Return the reasons for unusable model files, including formats that run code when
        loaded."""
        return self.shelf.model_problems()

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        """Run the pipeline. Raises EngineMissing, JobTooLarge, and exceptions of `progress`, which
        stop it."""
        (picture,) = self.draw_many([job], progress)
        return picture

    def draw_many(
        self, jobs: Sequence[ImageJob], progress: Progress = ignore_progress
    ) -> Iterator[GeneratedPicture]:
        """Make pictures as `draw` does; neighbouring jobs that differ only in prompt and seed run
        together, fewer at once if memory is short.

        The same jobs give the same bytes on the same build, except on a GPU after its memory was
        short (measured). In a batch of another size, rounding may change a picture: by one level of
        255 on a CPU, by nine in bfloat16 on a GPU (measured, not guaranteed).
        """
        total = sum(map(_effective_steps, jobs))
        done = 0
        progress(0, total)
        for batch in _iter_batches(jobs, self.device.batch):
            before = done

            def report_step(steps: int, before: int = before) -> None:
                progress(before + steps, total)

            with self._lock:
                made = self._run_within_memory(batch, report_step)
            done += sum(map(_effective_steps, batch))
            progress(done, total)
            for job, (image, parameters) in zip(batch, made, strict=True):
                yield self._build_picture(job, image, parameters)

    def _run_within_memory(self, batch: list[ImageJob], report_step: ReportStep) -> list[Made]:
        """Run a batch. When memory runs out, unload other models, then halve the batch; reported
        steps may then decrease.

        Raises JobTooLarge if a single picture does not fit.
        """
        try:
            return self._run_batch(batch, report_step)
        except (RuntimeError, MemoryError) as error:
            if not device.is_out_of_memory(error):
                raise
        # Outside the except block: the traceback would keep the failed run's memory alive.
        job = batch[0]
        half = len(batch) // 2
        if self.pipelines.release_others(self.shelf.find_model(job.model)):
            return self._run_within_memory(batch, report_step)
        if not half:
            raise JobTooLarge("engine.memory", width=job.width, height=job.height)
        first = sum(map(_effective_steps, batch[:half]))
        made = self._run_within_memory(batch[:half], report_step)
        # The memory freed by the first half is fragmented.
        self.pipelines.release_others(self.shelf.find_model(job.model))
        return made + self._run_within_memory(
            batch[half:], lambda steps: report_step(first + steps)
        )

    def _run_batch(self, batch: list[ImageJob], report_step: ReportStep) -> list[Made]:
        job = batch[0]
        torch = importlib.import_module("torch")
        steps = sum(map(_effective_steps, batch))
        check_inputs_supported(self, job)
        loaded = self.pipelines.get_pipeline(self.shelf.find_model(job.model), job.loras)
        pipeline = _pipeline_for_job(
            loaded, job, self.shelf, getattr(torch, self.device.dtype), self.pipelines
        )
        # Another pipeline of the same weights does not inherit this setting.
        pipeline.set_progress_bar_config(disable=True)

        def stepped(
            _pipeline: object, step: int, _time: object, kept: dict[str, Any]
        ) -> dict[str, Any]:
            report_step(min((step + 1) * len(batch), steps))
            return kept

        size = pipelines.drawn_size(loaded, job.width, job.height)
        own = pipeline.scheduler
        pipeline.scheduler = _build_scheduler(loaded, job)
        try:
            with pipelines.with_references(pipeline, self.shelf, job, self.pipelines):
                asked = _pipeline_arguments(pipeline, batch, size, torch)
                images = pipeline(**asked, callback_on_step_end=stepped).images
            doubled: dict[str, str | int | float] = (
                {"true_guidance": TRUE_GUIDANCE} if "true_cfg_scale" in asked else {}
            )
            told = [self._reproduction_parameters(each, pipeline, size) | doubled for each in batch]
        finally:
            # The loaded pipeline is reused by the next job, which may name no scheduler.
            pipeline.scheduler = own
        return list(zip(images, told, strict=True))

    def _reproduction_parameters(
        self, job: ImageJob, pipeline: Any, size: tuple[int, int]
    ) -> dict[str, str | int | float]:
        """Return the parameters that reproduce the picture on the same build."""
        told: dict[str, str | int | float] = {
            "steps": job.steps,
            "guidance": job.guidance,
            "negative": job.negative,
            "scheduler": type(pipeline.scheduler).__name__,
            "dtype": self.device.dtype,
            "torch": importlib.metadata.version("torch"),
            "diffusers": importlib.metadata.version("diffusers"),
        }
        if size != (job.width, job.height):
            told["drawn"] = f"{size[0]}x{size[1]}"
        if job.loras:
            told["loras"] = ", ".join(f"{one.name}:{one.weight:g}" for one in job.loras)
        if job.init:
            told["strength"] = job.strength
        if job.references:
            told |= {"references": len(job.references), "reference_weight": job.reference_weight}
        if job.pose:
            told["pose_weight"] = job.pose_weight
        if digest := self.pipelines.digest(self.shelf.find_model(job.model)):
            told["checkpoint"] = digest
        return told

    def _build_picture(
        self, job: ImageJob, image: Image.Image, parameters: dict[str, str | int | float]
    ) -> GeneratedPicture:
        model: ModelFiles = self.shelf.find_model(job.model)
        buffer = io.BytesIO()
        asked = (job.width, job.height)
        image = image if image.size == asked else image.resize(asked, Image.Resampling.LANCZOS)
        image = image.convert("RGB")
        if model.label is OriginLabel.DEMO:
            label_stamps.draw_stamp(image, label_stamps.DEMO_STAMP)
        image.save(buffer, "PNG", compress_level=4)
        return GeneratedPicture(
            data=buffer.getvalue(),
            mime="image/png",
            width=image.width,
            height=image.height,
            engine=self.name,
            model=model.name,
            label=model.label,
            seed=job.seed,
            prompt=job.prompt,
            parameters=parameters,
        )


def _effective_steps(job: ImageJob) -> int:
    """Return the number of steps that run; with an initial picture, the first ones are skipped."""
    return int(_scheduled_steps(job) * job.strength) if job.init else job.steps


def _scheduled_steps(job: ImageJob) -> int:
    """Return the number of steps to schedule, so that at least one of them runs."""
    return max(job.steps, math.ceil(1 / job.strength)) if job.init else job.steps


def _iter_batches(jobs: Sequence[ImageJob], most: int) -> Iterator[list[ImageJob]]:
    """Yield batches of neighbouring jobs that differ only in prompt and seed; jobs with an initial
    picture run alone."""
    batch: list[ImageJob] = []
    for job in jobs:
        alike = batch and _batch_key(batch[0]) == _batch_key(job) and not job.init
        if batch and not (alike and len(batch) < most):
            yield batch
            batch = []
        batch.append(job)
    if batch:
        yield batch


def _batch_key(job: ImageJob) -> ImageJob:
    return replace(job, prompt="", negative="-" if job.negative else "", seed=0)


def _pipeline_for_job(
    loaded: Any, job: ImageJob, shelf: ModelLibrary, dtype: Any, kept: PipelineCache
) -> Any:
    """Return the pipeline for the job's initial picture or pose, with the same weights."""
    diffusers = importlib.import_module("diffusers")
    if job.pose and job.init:
        raise EngineMissing("engine.cannot_both", engine=DiffusionEngine.name)
    try:
        if job.mask:
            return diffusers.AutoPipelineForInpainting.from_pipe(loaded)
        if job.init:
            return diffusers.AutoPipelineForImage2Image.from_pipe(loaded)
        return pipelines.with_pose_control(loaded, shelf, dtype, kept) if job.pose else loaded
    except ValueError as error:
        raise EngineMissing(
            "engine.cannot_mode", engine=DiffusionEngine.name, model=type(loaded).__name__
        ) from error


def _build_scheduler(loaded: Any, job: ImageJob) -> Any:
    """Return a new scheduler for each run, because it has state. Raises EngineMissing if the model
    cannot use it."""
    diffusers = importlib.import_module("diffusers")
    own = type(loaded.scheduler)
    if not job.scheduler:
        return own.from_config(loaded.scheduler.config)
    name = SCHEDULERS.get(job.scheduler)
    if name is None or own.__name__.startswith(_FLOWS):
        raise EngineMissing(
            "engine.scheduler_unknown", scheduler=job.scheduler[:40], model=type(loaded).__name__
        )
    return getattr(diffusers, name).from_config(loaded.scheduler.config)


def _pipeline_arguments(
    pipeline: Any, batch: list[ImageJob], size: tuple[int, int], torch: Any
) -> dict[str, Any]:
    """Return the arguments of a run at this size that the pipeline accepts."""
    job = batch[0]
    given: dict[str, Any] = {
        "prompt": [each.prompt for each in batch],
        "num_inference_steps": _scheduled_steps(job),
        "guidance_scale": job.guidance,
        "width": size[0],
        "height": size[1],
        # CPU noise is the same on every GPU.
        "generator": [torch.Generator("cpu").manual_seed(each.seed) for each in batch],
    }
    if job.init:
        given |= {"image": _decode_input(job.init, size), "strength": job.strength}
    if job.mask:
        given["mask_image"] = _decode_input(job.mask, size).convert("L")
    if job.pose:
        given |= {
            "image": _decode_input(job.pose, size),
            "controlnet_conditioning_scale": job.pose_weight,
        }
    if job.references:
        given["ip_adapter_image"] = [[_decode_input(one, None) for one in job.references]]
    taken = inspect.signature(pipeline.__call__).parameters
    without = _negative_prompt_arguments(pipeline, batch, taken) if job.negative else {}
    return {name: value for name, value in given.items() if name in taken} | without


def _negative_prompt_arguments(
    pipeline: Any, batch: list[ImageJob], taken: Collection[str]
) -> dict[str, Any]:
    """Return the arguments for the negative prompt.

    Raises EngineMissing if it would have no effect: the pipeline has no such argument, or does not
    run classifier-free guidance (diffusers, `do_classifier_free_guidance`).
    """
    told: dict[str, Any] = {"negative_prompt": [each.negative for each in batch]}
    if told.keys() <= set(taken) and "true_cfg_scale" in taken:
        return {**told, "true_cfg_scale": TRUE_GUIDANCE}
    distilled = getattr(
        getattr(getattr(pipeline, "unet", None), "config", None), "time_cond_proj_dim", None
    )
    if not told.keys() <= set(taken) or distilled is not None:
        raise EngineMissing(
            "engine.cannot_negative", engine=DiffusionEngine.name, model=type(pipeline).__name__
        )
    if batch[0].guidance <= 1:
        raise EngineMissing("engine.negative_unguided", engine=DiffusionEngine.name)
    return told


def _decode_input(data: bytes, size: tuple[int, int] | None) -> Image.Image:
    """Decode an input picture for the model; unsafe files are refused like any upload."""
    image = pictures.flatten_on(
        pictures.decode_photo(data, name="reference").pixels, pictures.PAPER
    )
    return (
        image
        if size is None or image.size == size
        else image.resize(size, Image.Resampling.LANCZOS)
    )
