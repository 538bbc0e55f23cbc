"""Videos by diffusers pipelines that animate a picture: SVD, LTX, Wan and AnimateDiff, from local
folders.

Stable Diffusion 1.5 with a motion adapter starts from a still video of the picture and repaints
part of it. torch is imported by the first video, not by this module. Nothing is downloaded from a
hub.
"""

import importlib
import importlib.metadata
import threading
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from PIL import Image

from foundation.i18n.translation import Message
from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import (
    EngineMissing,
    JobTooLarge,
    Lora,
    OriginLabel,
    Progress,
    ignore_progress,
)
from generators.contract.video import GeneratedVideo, VideoEngine, VideoJob
from generators.engines.video import video_models
from generators.engines.video.video_models import VideoModel, VideoModelLibrary
from generators.local_models import device, pipelines
from generators.local_models.model_folders import ModelFiles, check_packages
from generators.local_models.pipelines import PipelineCache
from generators.media import pictures
from generators.retouch import crops, label_stamps
from generators.video import encoder
from generators.video.encoder import EncodingPlan

USUAL_MOTION = 50
_SVD_BUCKETS = 254
"""Range of SVD's motion buckets; its authors use the middle (127)."""

_LEAST_ANEW = 0.35
_MOST_ANEW = 0.85
"""Fraction of the still video that an adapter repaints, for the least and the most motion."""

_GUIDANCE = {
    "LTXImageToVideoPipeline": 3.0,
    "WanImageToVideoPipeline": 5.0,
    "AnimateDiffVideoToVideoPipeline": 7.5,
}
"""Guidance as recommended on the models' pages."""

_PAPER = (255, 255, 255)


def load_engine(settings: GeneratorsSettings) -> VideoEngine | None:
    """Return the engine of the configured folder, or None. Raises EngineMissing for an invalid
    folder or a missing package."""
    return DiffusionVideoEngine(settings) if settings.film_models else None


class DiffusionVideoEngine:
    """The engine for the video models on this machine. It runs one job at a time; a second one
    waits."""

    name = "diffusion"

    def __init__(self, settings: GeneratorsSettings) -> None:
        """Open the model library. Raises EngineMissing if the folder does not exist or a package is
        missing."""
        self._settings = settings
        self._lock = threading.Lock()
        self.shelf = VideoModelLibrary(settings)
        check_packages()

    @cached_property
    def device(self) -> device.ComputeDevice:
        """The device that runs the models; the first access loads torch."""
        pipelines.release_all_models()
        return device.choose_device(self._settings.diffusion_memory_mib)

    @cached_property
    def pipelines(self) -> PipelineCache:
        """The loaded models."""
        return PipelineCache(_wears_none, self.device, opens=self._load_pipeline)

    def device_message(self) -> Message:
        """Return a message about the device and its precision; loads torch.

        Raises EngineMissing if no model can run on it, JobTooLarge if the smallest one does not
        fit.
        """
        place = self.device
        fit = [one.model for one in self.shelf.list_models() if self._may_run(one.model)]
        if not fit:
            raise EngineMissing("engine.film_no_gpu")
        least = min(fit, key=lambda one: one.parameter_count)
        sizes = {
            "needed": -(-least.bytes_in(place.dtype) // device.MEBIBYTE),
            "budget": place.budget // device.MEBIBYTE,
        }
        if sizes["needed"] > place.most // device.MEBIBYTE:
            raise JobTooLarge("engine.model_too_large", model=least.name, **sizes)
        names = ", ".join(one.name for one in fit)
        return Message(
            "engine.film_runs",
            {"models": names, "device": place.name, "dtype": place.dtype, **sizes},
        )

    def animate(self, job: VideoJob, progress: Progress = ignore_progress) -> GeneratedVideo:
        """Run the pipeline. Raises EngineMissing, JobTooLarge, and exceptions of `progress`, which
        stop it."""
        mover = self.shelf.find_model(job.model)
        _check_job_supported(job, mover)
        if not self._may_run(mover.model):
            raise EngineMissing("engine.film_no_gpu")
        progress(0, job.steps)
        with self._lock:
            frames, told = self._run_within_memory(job, mover, progress)
        progress(job.steps, job.steps)
        reel = EncodingPlan(job.width, job.height, len(frames), mover.family.rate)
        shown = _iter_output_frames(frames, job, demo=mover.model.label is OriginLabel.DEMO)
        data = encoder.encode_video(
            shown, reel, name=job.model, told=lambda _done, _all: progress(job.steps, job.steps)
        )
        return GeneratedVideo(
            data=data,
            width=job.width,
            height=job.height,
            seconds=reel.seconds,
            engine=self.name,
            model=mover.model.name,
            label=mover.model.label,
            seed=job.seed,
            prompt=job.prompt,
            parameters=told,
        )

    def _may_run(self, model: ModelFiles) -> bool:
        return video_models.can_run_model(self._settings, model, gpu=self.device.kind != "cpu")

    def _run_within_memory(
        self, job: VideoJob, mover: VideoModel, progress: Progress
    ) -> tuple[list[Image.Image], dict[str, Any]]:
        """Generate the frames. When memory runs out, decode them a few at a time. Raises
        JobTooLarge if they still do not fit."""
        for sparing in (False, True):
            try:
                return self._generate_frames(job, mover, progress, sparing=sparing)
            except (RuntimeError, MemoryError) as error:
                if not device.is_out_of_memory(error):
                    raise
            # Outside the except block: the traceback would keep the failed run's memory alive.
            self.pipelines.release_others(mover.model)
        raise JobTooLarge("engine.film_memory", seconds=round(job.seconds), model=mover.model.name)

    def _generate_frames(
        self, job: VideoJob, mover: VideoModel, progress: Progress, *, sparing: bool
    ) -> tuple[list[Image.Image], dict[str, Any]]:
        torch = importlib.import_module("torch")
        pipeline = self.pipelines.get_pipeline(mover.model)
        size = mover.family.size(job.width, job.height)
        count = mover.family.frames(job.seconds)

        def stepped(
            _pipeline: object, step: int, _time: object, kept: dict[str, Any]
        ) -> dict[str, Any]:
            progress(min(step + 1, job.steps), job.steps)
            return kept

        own = pipeline.scheduler
        # A new scheduler for each run, because it has state.
        pipeline.scheduler = type(own).from_config(own.config)
        _set_vae_tiling(pipeline, sparing)
        given = _pipeline_arguments(pipeline, job, mover, size, count) | _decode_arguments(
            mover.family.opens, sparing
        )
        try:
            frames = pipeline(
                **given,
                width=size[0],
                height=size[1],
                num_inference_steps=job.steps,
                generator=torch.Generator("cpu").manual_seed(job.seed),
                output_type="pil",
                callback_on_step_end=stepped,
            ).frames[0]
            return list(frames), self._reproduction_parameters(
                job, mover, pipeline, size, len(frames)
            )
        finally:
            pipeline.scheduler = own

    def _reproduction_parameters(
        self, job: VideoJob, mover: VideoModel, pipeline: Any, size: tuple[int, int], count: int
    ) -> dict[str, str | int | float]:
        """Return the parameters that reproduce the video on the same build."""
        told: dict[str, str | int | float] = {
            "steps": job.steps,
            "film_frames": count,
            "rate": mover.family.rate,
            "drawn": f"{size[0]}x{size[1]}",
            "scheduler": type(pipeline.scheduler).__name__,
            "pipeline": mover.family.opens,
            "dtype": self.device.dtype,
            "torch": importlib.metadata.version("torch"),
            "diffusers": importlib.metadata.version("diffusers"),
        }
        return told | ({"motion": job.motion or USUAL_MOTION} if mover.family.motion else {})

    def _load_pipeline(self, model: ModelFiles, options: Mapping[str, Any]) -> Any:
        """Load the pipeline of a model, with its motion adapter if it has one."""
        diffusers = importlib.import_module("diffusers")
        torch = importlib.import_module("torch")
        mover = self.shelf.find_model(model.name)
        given = dict(options)
        if mover.adapter:
            adapter = diffusers.MotionAdapter.from_pretrained(
                mover.adapter, dtype=options["dtype"], local_files_only=True, use_safetensors=True
            )
            given["motion_adapter"] = adapter
        if mover.family.opens.startswith("Wan"):
            _disable_prompt_cleaning()
            # The VAE needs float32: half precision causes stains, according to its authors.
            given["dtype"] = {"default": options["dtype"], "vae": torch.float32}
        return getattr(diffusers, mover.family.opens).from_pretrained(model.source, **given)


def _wears_none(wanted: Lora) -> Any:
    raise EngineMissing("engine.lora_missing", lora=wanted.name[:100], folder="-")


def _disable_prompt_cleaning() -> None:
    """Replace the prompt cleaning of diffusers 0.42 for Wan, which fails without an undeclared
    package. Our prompts are clean."""
    module = importlib.import_module("diffusers.pipelines.wan.pipeline_wan_i2v")
    module.basic_clean = str.strip  # type: ignore[attr-defined]  # a module's own function


def _check_job_supported(job: VideoJob, mover: VideoModel) -> None:
    if job.prompt and not mover.family.words:
        raise EngineMissing("engine.film_no_words", model=mover.model.name)
    if job.motion is not None and not mover.family.motion:
        raise EngineMissing("engine.film_no_motion", model=mover.model.name)
    mover.family.frames(job.seconds)


def _pipeline_arguments(
    pipeline: Any, job: VideoJob, mover: VideoModel, size: tuple[int, int], count: int
) -> dict[str, Any]:
    """Return the arguments specific to this pipeline."""
    image = _fit_still(job, size)
    motion = (job.motion or USUAL_MOTION) / 100
    kind = mover.family.opens
    if kind == "StableVideoDiffusionPipeline":
        bucket = max(round(motion * _SVD_BUCKETS), 1)
        return {
            "image": image,
            "num_frames": count,
            "fps": mover.family.rate,
            "motion_bucket_id": bucket,
        }
    told: dict[str, Any] = {
        "prompt": job.prompt,
        "negative_prompt": "",
        "guidance_scale": _GUIDANCE[kind],
    }
    if kind == "AnimateDiffVideoToVideoPipeline":
        anew = _LEAST_ANEW + (_MOST_ANEW - _LEAST_ANEW) * motion
        return told | {"video": [image] * count, "strength": anew, "enforce_inference_steps": True}
    told |= {"image": image, "num_frames": count}
    if kind == "LTXImageToVideoPipeline":
        told["frame_rate"] = mover.family.rate
        if pipeline.vae.config.timestep_conditioning:
            told |= {"decode_timestep": 0.05, "decode_noise_scale": 0.025}
    return told


def _decode_arguments(kind: str, sparing: bool) -> dict[str, Any]:
    """Return the number of frames decoded at once, for pipelines with such an argument."""
    able = ("StableVideoDiffusionPipeline", "AnimateDiffVideoToVideoPipeline")
    return {"decode_chunk_size": 1 if sparing else 8} if kind in able else {}


def _set_vae_tiling(pipeline: Any, sparing: bool) -> None:
    """Decode in tiles only if memory is short, because seams between tiles may be visible."""
    if hasattr(pipeline.vae, "use_tiling"):
        (pipeline.vae.enable_tiling if sparing else pipeline.vae.disable_tiling)()


def _fit_still(job: VideoJob, size: tuple[int, int]) -> Image.Image:
    """Return the picture for the model: without transparency, and cropped around its subject to the
    video's proportions."""
    image = pictures.flatten_on(pictures.decode_photo(job.picture, name="picture").pixels, _PAPER)
    return image.resize(
        size, Image.Resampling.LANCZOS, box=crops.fill_window(image, (job.width, job.height))
    )


def _iter_output_frames(
    frames: list[Image.Image], job: VideoJob, *, demo: bool
) -> Iterator[Image.Image]:
    """Yield the frames at the video's size, each converted when it is needed."""
    for frame in frames:
        image = frame.convert("RGB").resize((job.width, job.height), Image.Resampling.LANCZOS)
        if demo:
            label_stamps.draw_stamp(image, label_stamps.DEMO_STAMP)
        yield image
