"""Model folders for video, recognized by the class in their `model_index.json`. No model package is
loaded.

Frame rates, sizes and lengths are those used in training, from the models' pages at
https://huggingface.co: Stable Video Diffusion 7 frames a second at 1024 × 576, LTX-Video 25 at 704
× 480, Wan 16 at 832 × 480, AnimateDiff 8 at the size of its model.
"""

import importlib.util
import json
import math
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from foundation.ops.settings import GeneratorsSettings
from generators.contract import video
from generators.contract.engines import EngineError, EngineMissing, JobTooLarge, OriginLabel
from generators.local_models.model_folders import (
    ModelFiles,
    check_packages,
    open_model_folder,
    safe_child,
)
from generators.local_models.weight_files import count_file_parameters

_GPUS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Device files of NVIDIA and AMD GPUs on Linux, and of GPUs in Windows Subsystem for Linux."""

_TINY = 64 * 64
"""Maximum area in pixels on which demo models were trained."""


@dataclass(frozen=True)
class VideoModelFamily:
    """A family of models.

    `opens` is its pipeline, `rate` its frames per second, and `most` the maximum number of frames:
    one frame, then groups of `group` frames. Edges are multiples of `grid` pixels, with a total
    `area`. `words` and `motion` are True if a prompt and a motion are supported.
    """

    opens: str
    rate: int
    most: int
    group: int
    grid: int
    area: int
    words: bool = True
    motion: bool = False
    adapter: bool = False
    """True if the family needs a separate motion adapter."""

    def frames(self, seconds: float) -> int:
        """Return the number of frames for about `seconds`: the first frame and at least one group.
        Raises JobTooLarge above the maximum."""
        if seconds > self.seconds:
            raise JobTooLarge("engine.film_long", most=self.seconds)
        groups = round((seconds * self.rate - 1) / self.group)
        return 1 + self.group * min(max(groups, 1), (self.most - 1) // self.group)

    @property
    def seconds(self) -> int:
        """The maximum length in seconds."""
        return min(max(round(self.most / self.rate), video.MIN_SECONDS), video.MAX_SECONDS)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return the size to draw at, in pixels: the requested proportions at the trained area,
        rounded to the grid."""
        shrunk = math.sqrt(self.area / (width * height))
        wide, high = (
            max(round(edge * shrunk / self.grid), 1) * self.grid for edge in (width, height)
        )
        return wide, high


_SVD = VideoModelFamily(
    "StableVideoDiffusionPipeline", 7, 25, 1, 64, 1024 * 576, words=False, motion=True
)
_LTX = VideoModelFamily("LTXImageToVideoPipeline", 25, 257, 8, 32, 704 * 480)
_WAN = VideoModelFamily("WanImageToVideoPipeline", 16, 81, 4, 16, 832 * 480)
_ADAPTED = VideoModelFamily("AnimateDiffVideoToVideoPipeline", 8, 32, 1, 8, 512 * 512, motion=True)

VIDEO_MODEL_FAMILIES: Mapping[str, VideoModelFamily] = {
    "StableVideoDiffusionPipeline": _SVD,
    "LTXPipeline": _LTX,
    "LTXImageToVideoPipeline": _LTX,
    "LTXConditionPipeline": _LTX,
    "WanImageToVideoPipeline": _WAN,
    "AnimateDiffPipeline": _ADAPTED,
    "AnimateDiffVideoToVideoPipeline": _ADAPTED,
    "StableDiffusionPipeline": replace(_ADAPTED, adapter=True),
}
"""Families by the pipeline class that a model folder names."""


@dataclass(frozen=True)
class VideoModel:
    """A video model and its family; `adapter` is the folder of its motion adapter, if any."""

    model: ModelFiles
    family: VideoModelFamily
    adapter: str = ""


class VideoModelLibrary:
    """The configured folder and its models."""

    def __init__(self, settings: GeneratorsSettings) -> None:
        """Raise EngineMissing if the settings name no folder, or it does not exist."""
        self._settings = settings
        if not settings.film_models:
            raise EngineMissing("engine.film_none")
        if not Path(settings.film_models).is_dir():
            raise EngineMissing("engine.folder_missing", folder=settings.film_models)

    def find_model(self, name: str) -> VideoModel:
        """Return the model of this name. Raises EngineMissing if it does not exist or is not a
        video model."""
        folder = safe_child(self._settings.film_models, name)
        if folder is None or not folder.is_dir():
            raise EngineMissing("engine.film_model_missing", model=name[:100])
        model = open_model_folder(folder)
        family = VIDEO_MODEL_FAMILIES.get(model.kind)
        if family is None:
            raise EngineMissing("engine.film_kind", model=model.name, kind=model.kind[:60])
        _check_tokenizer(folder)
        adapter = (
            _motion_adapter_folder(self._settings.film_adapter, model) if family.adapter else None
        )
        if adapter is not None:
            model = replace(
                model,
                parameter_count=model.parameter_count
                + count_file_parameters(adapter.glob("*.safetensors")),
            )
        small = model.label is OriginLabel.DEMO
        family = replace(
            family, most=_max_frames(family, folder, adapter), area=_TINY if small else family.area
        )
        return VideoModel(model, family, str(adapter or ""))

    def list_models(self) -> list[VideoModel]:
        """Return the usable models by name. Raises EngineMissing with the reason if there are
        none."""
        found = list[VideoModel]()
        why = EngineMissing("engine.film_folder_empty", folder=self._settings.film_models)
        for folder in sorted(Path(self._settings.film_models).iterdir()):
            if not folder.is_dir() or folder.name.startswith("."):
                continue
            try:
                found.append(self.find_model(folder.name))
            except EngineMissing as error:
                why = error
        if not found:
            raise why
        return found


@dataclass(frozen=True)
class VideoCapabilities:
    """The models that can be requested, and the reason if there are none."""

    movers: tuple[VideoModel, ...]
    lacks: EngineError | None = None


def video_capabilities(settings: GeneratorsSettings) -> VideoCapabilities:
    """Return the models that can be requested, without loading any of them; used by pages."""
    elsewhere = settings.film_device == "gpu"
    try:
        found = VideoModelLibrary(settings).list_models()
        if not elsewhere:
            check_packages()
        gpu = elsewhere or has_gpu()
        movers = [one for one in found if can_run_model(settings, one.model, gpu=gpu)]
        if not movers:
            raise EngineMissing("engine.film_no_gpu")
    except EngineMissing as error:
        return VideoCapabilities((), error)
    return VideoCapabilities(tuple(movers))


def can_run_model(settings: GeneratorsSettings, model: ModelFiles, *, gpu: bool) -> bool:
    """Return True if there is a GPU, if the setting `film_device` is `cpu`, or if the model is the
    demo. On a CPU, a large model takes hours for seconds of video."""
    return gpu or settings.film_device == "cpu" or model.label is OriginLabel.DEMO


def has_gpu() -> bool:
    """Return True if this machine has a GPU that torch could use, without importing torch."""
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return apple or any(Path(one).exists() for one in _GPUS)


def _motion_adapter_folder(folder: str, model: ModelFiles) -> Path:
    """Return the folder of the motion adapter. Raises EngineMissing."""
    if not folder:
        raise EngineMissing("engine.film_adapter", model=model.name)
    found = Path(folder)
    if not (found / "config.json").is_file() or not list(found.glob("*.safetensors")):
        raise EngineMissing("engine.folder_broken", folder=folder)
    return found


def _check_tokenizer(folder: Path) -> None:
    """Raise EngineMissing if the model's tokenizer needs a package that is not installed."""
    kept = folder / "tokenizer"
    needs = (kept / "spiece.model").is_file() and not (kept / "tokenizer.json").is_file()
    if needs and importlib.util.find_spec("sentencepiece") is None:
        raise EngineMissing("engine.package_missing", package="sentencepiece")


def _max_frames(family: VideoModelFamily, folder: Path, adapter: Path | None) -> int:
    """Return the maximum number of frames, from the model's files if they specify it."""
    said = _read_config(folder / "unet").get("num_frames") if family is _SVD else None
    if family.motion and family is not _SVD:
        said = _read_config(adapter or folder / "motion_adapter").get("motion_max_seq_length")
    return said if isinstance(said, int) and 2 <= said <= family.most else family.most


def _read_config(folder: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
