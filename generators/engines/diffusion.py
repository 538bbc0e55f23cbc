"""Pictures by a diffusers pipeline from a folder on this machine. Nothing is ever fetched from a model hub.

torch is an optional extra (`pip install greenroom[diffusion]`) and takes seconds to load: it is imported by the
first picture, not by this module, so that choosing an engine costs nothing.
"""

import importlib
import importlib.metadata
import importlib.util
import io
import json
import os
import threading
from pathlib import Path
from typing import Any

from foundation.settings import GeneratorsSettings
from generators.contract import EngineMissing, ImageEngine, ImageJob, JobTooLarge, Label, Picture, Progress, unheard

_PACKAGES = ("torch", "diffusers", "transformers")
_SMALL_MODEL_BYTES = 64 * 2**20
"""Weights below this are a demonstration model: no model for photographs is that small."""


def offer(settings: GeneratorsSettings) -> ImageEngine | None:
    """The engine of the folder in the settings, None without one.

    Raises EngineMissing when the folder is no model folder, or when a package is missing.
    """
    if not settings.diffusion_folder:
        return None
    return Diffusion(check_folder(Path(settings.diffusion_folder)))


def check_folder(folder: Path) -> Path:
    """`folder`, when it holds a pipeline and the packages are there. Raises EngineMissing with the thing to do.

    A path that is no folder would be taken by diffusers for the name of a model on a hub.
    """
    if not folder.is_dir():
        raise EngineMissing("engine.folder_missing", folder=str(folder))
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineMissing("engine.folder_no_model", folder=str(folder)) from error
    if not isinstance(index, dict) or "_class_name" not in index:
        raise EngineMissing("engine.folder_no_model", folder=str(folder))
    for package in _PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise EngineMissing("engine.package_missing", package=package)
    return folder


class Diffusion:
    """One pipeline, loaded by the first job and kept. One job at a time: a second waits."""

    name = "diffusion"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pipeline: Any = None
        self._lock = threading.Lock()
        self.model = folder.name

    def draw(self, job: ImageJob, progress: Progress = unheard) -> Picture:
        """Run the pipeline. Raises EngineMissing, JobTooLarge, and what `progress` raises, which stops it."""
        if job.model and job.model != self.model:
            raise EngineMissing("engine.model_missing", model=job.model, engine=self.name)
        with self._lock:
            pipeline = self._loaded()
            data, parameters = _run(pipeline, job, progress)
        small = sum(path.stat().st_size for path in self._folder.rglob("*.safetensors")) < _SMALL_MODEL_BYTES
        return Picture(
            data=data,
            mime="image/png",
            width=job.width,
            height=job.height,
            engine=self.name,
            model=self.model,
            label=Label.DEMO if small else Label.NONE,
            seed=job.seed,
            prompt=job.prompt,
            parameters=parameters,
        )

    def _loaded(self) -> Any:
        if self._pipeline is None:
            os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read by the hub client when it is imported
            torch, diffusers = importlib.import_module("torch"), importlib.import_module("diffusers")
            for package in ("diffusers", "transformers"):
                importlib.import_module(f"{package}.utils.logging").disable_progress_bar()
            device = "cuda" if torch.cuda.is_available() else "cpu"
            dtype = torch.float16 if device == "cuda" else torch.float32
            try:
                pipeline = diffusers.AutoPipelineForText2Image.from_pretrained(
                    self._folder, dtype=dtype, local_files_only=True, safety_checker=None, requires_safety_checker=False
                )
            except (OSError, ValueError, KeyError) as error:
                raise EngineMissing("engine.folder_broken", folder=str(self._folder)) from error
            pipeline.set_progress_bar_config(disable=True)
            self._pipeline = pipeline.to(device)
        return self._pipeline


def _run(pipeline: Any, job: ImageJob, progress: Progress) -> tuple[bytes, dict[str, str | int | float]]:
    """One picture as PNG, and what would make it again on the same build."""
    torch = importlib.import_module("torch")
    progress(0, job.steps)

    def stepped(_pipeline: object, step: int, _timestep: object, kept: dict[str, Any]) -> dict[str, Any]:
        progress(step + 1, job.steps)
        return kept

    scheduler = type(pipeline.scheduler).from_config(pipeline.scheduler.config)  # it has state: a new one for each job
    pipeline.scheduler = scheduler
    try:
        image = pipeline(
            job.prompt,
            negative_prompt=job.negative or None,
            num_inference_steps=job.steps,
            guidance_scale=job.guidance,
            width=job.width,
            height=job.height,
            generator=torch.Generator("cpu").manual_seed(job.seed),  # on the CPU the noise is the same on every card
            callback_on_step_end=stepped,
        ).images[0]
    except torch.OutOfMemoryError as error:
        raise JobTooLarge("engine.memory", width=job.width, height=job.height) from error
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "PNG", compress_level=4)
    return buffer.getvalue(), {
        "steps": job.steps,
        "guidance": job.guidance,
        "negative": job.negative,
        "scheduler": type(scheduler).__name__,
        "dtype": str(pipeline.dtype).removeprefix("torch."),
        "torch": importlib.metadata.version("torch"),
        "diffusers": importlib.metadata.version("diffusers"),
    }
