"""Loaded pipelines, cached while they fit in memory. The least recently used one is unloaded first.
Not thread-safe."""

import gc
import importlib
import math
import os
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generators.contract.engines import EngineBusy, EngineMissing, ImageJob, JobTooLarge, Lora
from generators.local_models import checkpoints
from generators.local_models.device import MEBIBYTE, ComputeDevice, is_out_of_memory, memory_budget
from generators.local_models.model_folders import ModelFiles, ModelLibrary, weights_file_in
from generators.local_models.weight_files import count_file_parameters

_BEYOND = 1.5
"""Maximum number of pixels to draw, relative to the size at which the model was trained."""

_LARGE = 512 * 512
"""Number of pixels from which models require edges that are multiples of 16."""


@dataclass
class _Hot:
    """A loaded pipeline, its memory in bytes, the SHA-256 of its single file, and its active LoRA
    files."""

    pipeline: Any
    taken: int
    digest: str = ""
    worn: tuple[Path, ...] = ()


FindLora = Callable[[Lora], Path]
"""Returns the file of a LoRA. Raises EngineMissing."""

OpenModel = Callable[[ModelFiles, Mapping[str, Any]], Any]
"""Loads a model's pipeline with the options of `from_pretrained`."""

Budget = Callable[[ComputeDevice, int], int]
"""Returns the current memory budget of a device in bytes, given the number of bytes that our models
use."""

WAITS = 60.0
"""Seconds until the next check whether other programs have freed memory."""

_OF_FILES = {"local_files_only": True, "use_safetensors": True}
"""Options for loading adapters: nothing from a hub, and no pickles, which run code when loaded."""

_HELD: "weakref.WeakSet[PipelineCache]" = weakref.WeakSet()


def release_all_models() -> None:
    """Unload all models of this process, so that the free memory can be measured."""
    for each in list(_HELD):
        each.release_all()


class PipelineCache:
    """The loaded models of one kind on a device, within its memory budget. Loading a model unloads
    those of other kinds."""

    def __init__(
        self,
        wears: FindLora,
        device: ComputeDevice,
        *,
        hub: bool = False,
        opens: "OpenModel | None" = None,
        budget: "Budget" = memory_budget,
    ) -> None:
        self._wears = wears
        self._device = device
        self._hub = hub
        self._opens = opens or _open_picture_pipeline
        self._budget = budget
        _HELD.add(self)
        self._hot: OrderedDict[str, _Hot] = OrderedDict()
        self._beside: dict[str, tuple[Any, int]] = {}
        self.loads = 0

    @property
    def loaded_names(self) -> tuple[str, ...]:
        """Names of the loaded models, most recently used last."""
        return tuple(self._hot)

    def get_pipeline(self, model: ModelFiles, loras: tuple[Lora, ...] = ()) -> Any:
        """Return the pipeline with exactly these LoRAs.

        Raises EngineMissing, JobTooLarge if the model is too large, and EngineBusy while other
        programs use the memory.
        """
        if model.name not in self._hot:
            needed = model.bytes_in(self._device.dtype)
            self._make_room(model, needed)
            # Before another file can replace it.
            digest = checkpoints.checkpoint_digest(model.source) if model.layout else ""
            self._hot[model.name] = _Hot(self._load_pipeline(model), needed, digest)
        self._hot.move_to_end(model.name)
        hot = self._hot[model.name]
        self._apply_loras(hot, model, loras)
        return hot.pipeline

    def digest(self, model: ModelFiles) -> str:
        """Return the SHA-256 of a loaded model's single file, or "" for a folder."""
        return self._hot[model.name].digest

    def release_others(self, model: ModelFiles) -> int:
        """Unload all other models and all adapters' networks, and return the number unloaded."""
        others = [name for name in self._hot if name != model.name]
        for name in others:
            del self._hot[name]
        went = len(others) + len(self._beside)
        self._beside.clear()
        self._free_memory()
        return went

    def get_companion(self, folder: Path, load: Callable[[], Any]) -> Any:
        """Return an adapter's network, loaded once and cached if it fits in memory beside the
        models. Exceptions of `load` are passed on."""
        if (known := self._beside.get(str(folder))) is not None:
            return known[0]
        found = load()
        needed = self._folder_size(folder)
        if (held := self._bytes_in_use()) + needed <= self._budget(self._device, held + needed):
            self._beside[str(folder)] = (found, needed)
        return found

    def _folder_size(self, folder: Path) -> int:
        numbers = count_file_parameters(folder.glob("**/*.safetensors"))
        return ModelFiles(folder.name, str(folder), numbers).bytes_in(self._device.dtype)

    def release_all(self) -> None:
        """Unload all models and adapters' networks."""
        self._hot.clear()
        self._beside.clear()
        self._free_memory()

    def _make_room(self, model: ModelFiles, needed: int) -> None:
        """Unload models until the new one fits. Free memory is measured each time, because other
        programs use it too."""
        told: dict[str, str | int] = {"model": model.name, "needed": needed // MEBIBYTE}
        if needed > (most := self._device.most or self._device.budget):
            raise JobTooLarge("engine.model_too_large", budget=most // MEBIBYTE, **told)
        for other in list(_HELD):
            if other is not self and other.loaded_names:
                other.release_all()
        while (held := self._bytes_in_use()) + needed > (free := self._budget(self._device, held)):
            if self._beside:
                self._beside.clear()
            elif self._hot:
                self._hot.popitem(last=False)
            else:
                raise EngineBusy(
                    "engine.memory_taken", after=WAITS, budget=free // MEBIBYTE, **told
                )
            self._free_memory()

    def _bytes_in_use(self) -> int:
        return sum(hot.taken for hot in self._hot.values()) + sum(
            taken for _, taken in self._beside.values()
        )

    def _free_memory(self) -> None:
        gc.collect()
        if self._device.kind == "cuda":
            importlib.import_module("torch").cuda.empty_cache()

    def _load_pipeline(self, model: ModelFiles) -> Any:
        if not self._hub:
            # The hub client reads this when it is imported.
            os.environ.setdefault("HF_HUB_OFFLINE", "1")
        torch = importlib.import_module("torch")
        for package in ("diffusers", "transformers"):
            importlib.import_module(f"{package}.utils.logging").disable_progress_bar()
        options = {"variant": "fp16"} if model.half else {}
        try:
            pipeline = self._opens(
                model,
                {
                    "dtype": getattr(torch, self._device.dtype),
                    "local_files_only": not self._hub,
                    "use_safetensors": True,
                    **options,
                },
            )
        except (OSError, ValueError, KeyError) as error:
            raise EngineMissing("engine.folder_broken", folder=model.source) from error
        if getattr(pipeline, "safety_checker", None) is not None:
            # It blacks out pictures; here the gate decides which may be shown.
            pipeline.safety_checker = None
        _set_scalar_sample_size(pipeline)
        pipeline.set_progress_bar_config(disable=True)
        # The method also exists where slicing is not supported.
        if hasattr(getattr(pipeline, "vae", None), "use_slicing"):
            # Decode a batch one by one: decoding has the highest memory peak.
            pipeline.vae.enable_slicing()
        self.loads += 1
        return pipeline.to(self._device.kind)

    def _apply_loras(self, hot: _Hot, model: ModelFiles, loras: tuple[Lora, ...]) -> None:
        """Set the active LoRAs. They are never fused, because unfusing leaves changed weights
        (measured).

        An unused LoRA is deleted, not disabled, because it may belong to another agency.
        """
        pipeline = hot.pipeline
        files = tuple(map(self._wears, loras))
        if not (files or hot.worn):
            return
        try:
            if gone := [_adapter_name(file) for file in hot.worn if file not in files]:
                pipeline.delete_adapters(gone)
            for file in files:
                if file not in hot.worn:
                    _load_lora(pipeline, file)
            if loras:
                pipeline.set_adapters(
                    [_adapter_name(file) for file in files], [one.weight for one in loras]
                )
        except (OSError, ValueError, KeyError, AttributeError, RuntimeError) as error:
            pipeline.unload_lora_weights()
            hot.worn = ()
            if is_out_of_memory(error):
                raise
            unfit = ", ".join(one.name for one in loras)[:100]
            raise EngineMissing("engine.lora_unfit", lora=unfit, model=model.name) from error
        hot.worn = files


def _open_picture_pipeline(model: ModelFiles, options: Mapping[str, Any]) -> Any:
    if model.layout:
        return checkpoints.open_checkpoint(model.source, model.layout, options)
    return importlib.import_module("diffusers").AutoPipelineForText2Image.from_pretrained(
        model.source, **options
    )


def _load_lora(pipeline: Any, file: Path) -> None:
    """Load a LoRA. Raises ValueError for a LoRA of another model type, where some pipelines only
    log a warning."""
    pipeline.load_lora_weights(
        str(file.parent),
        weight_name=file.name,
        adapter_name=_adapter_name(file),
        local_files_only=True,
    )
    if not any(_adapter_name(file) in there for there in pipeline.get_list_adapters().values()):
        raise ValueError("no part of the model took it")


def _adapter_name(file: Path) -> str:
    """Return a name without dots, which is valid in a module path. It contains the folder, because
    agencies may use equal file names."""
    name = f"{file.parent.name}/{file.stem}"
    return "l_" + "".join(letter if letter.isalnum() else f"_{ord(letter):x}_" for letter in name)


@contextmanager
def with_references(
    pipeline: Any, shelf: ModelLibrary, job: ImageJob, kept: PipelineCache
) -> Iterator[None]:
    """Enable the job's reference pictures in a pipeline for the duration of the block. Raises
    EngineMissing."""
    if not job.references:
        yield
        return
    folder = shelf.references
    if folder is None:
        raise EngineMissing("engine.cannot_references", engine="diffusion")
    try:
        try:
            _load_image_adapter(pipeline, folder, kept)
            pipeline.set_ip_adapter_scale(job.reference_weight)
        except (OSError, ValueError, KeyError, AttributeError, TypeError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise
            raise _unfit_adapter_error(folder, pipeline) from error
        yield
    finally:
        if hasattr(pipeline, "unload_ip_adapter"):
            pipeline.unload_ip_adapter()


@dataclass(frozen=True)
class _Eyes:
    """An IP-Adapter: its weights, and its image encoder."""

    weights: dict[str, dict[str, Any]]
    encoder: Any
    extractor: Any


def _load_image_adapter(pipeline: Any, folder: Path, kept: PipelineCache) -> None:
    """Load the IP-Adapter of a folder into a pipeline. It is removed after the job but remains
    cached."""
    if not hasattr(pipeline, "image_encoder"):
        raise ValueError("a model of another kind")

    def load() -> _Eyes:
        weights: dict[str, dict[str, Any]] = {"image_proj": {}, "ip_adapter": {}}
        for name, weight in (
            importlib.import_module("safetensors.torch").load_file(weights_file_in(folder)).items()
        ):
            part, _, rest = name.partition(".")
            weights[part][rest] = weight
        vision = importlib.import_module("transformers").CLIPVisionModelWithProjection
        encoder = vision.from_pretrained(
            str(folder / "image_encoder"), dtype=pipeline.dtype, **_OF_FILES
        )
        edge = encoder.config.image_size
        extractor = importlib.import_module("transformers").CLIPImageProcessor(
            size=edge, crop_size=edge
        )
        return _Eyes(weights, encoder.to(pipeline.device), extractor)

    eyes = kept.get_companion(folder, load)
    pipeline.register_modules(image_encoder=eyes.encoder, feature_extractor=eyes.extractor)
    pipeline.load_ip_adapter(eyes.weights, subfolder="", weight_name="", image_encoder_folder=None)


def _unfit_adapter_error(folder: Path, pipeline: Any) -> EngineMissing:
    return EngineMissing("engine.adapter_unfit", folder=str(folder), model=type(pipeline).__name__)


def with_pose_control(pipeline: Any, shelf: ModelLibrary, dtype: Any, kept: PipelineCache) -> Any:
    """Return the pipeline with a ControlNet and the same weights. Raises EngineMissing."""
    diffusers = importlib.import_module("diffusers")
    folder = shelf.poses
    if folder is None:
        raise EngineMissing("engine.cannot_pose", engine="diffusion")

    def load() -> Any:
        net = diffusers.ControlNetModel.from_pretrained(str(folder), dtype=dtype, **_OF_FILES)
        return net.to(pipeline.device)

    try:
        net = kept.get_companion(folder, load)
    except (OSError, ValueError, KeyError) as error:
        raise EngineMissing("engine.folder_broken", folder=str(folder)) from error
    network = getattr(pipeline, "unet", None)
    if network is None or network.config.cross_attention_dim != net.config.cross_attention_dim:
        # Otherwise its first layer would fail with an error about matrix shapes.
        raise _unfit_adapter_error(folder, pipeline)
    return diffusers.AutoPipelineForText2Image.from_pipe(pipeline, controlnet=net)


def _set_scalar_sample_size(pipeline: Any) -> None:
    """Set the model's sample size to one edge of the same area. Image-to-image pipelines compare it
    with a number and fail on the pair of a non-square model (diffusers 0.42)."""
    config = getattr(getattr(pipeline, "unet", None), "config", None)
    learned = getattr(config, "sample_size", None)
    if isinstance(learned, (list, tuple)):
        pipeline.unet.register_to_config(sample_size=round(math.sqrt(learned[0] * learned[1])))


def drawn_size(pipeline: Any, width: int, height: int) -> tuple[int, int]:
    """Return the size to draw at in pixels: the requested size, or a size near that of the training
    if that is much smaller.

    Far beyond its training size, a model repeats its subject
    (https://huggingface.co/docs/diffusers/api/pipelines/stable_diffusion), so the result is
    enlarged instead.
    """
    network = getattr(pipeline, "unet", None) or pipeline.transformer
    learned = getattr(pipeline, "default_sample_size", None) or network.config.sample_size
    rows, columns = learned if isinstance(learned, (list, tuple)) else (learned, learned)
    pixel = pipeline.vae_scale_factor
    area = rows * columns * pipeline.vae_scale_factor**2
    if width * height <= area * _BEYOND:
        return width, height
    shrunk = math.sqrt(area / (width * height))
    step = max(2 * pixel, 16) if area >= _LARGE else 8
    return max(round(width * shrunk / step) * step, step), max(
        round(height * shrunk / step) * step, step
    )
