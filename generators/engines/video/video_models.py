"""Model folders that make a picture move, by the class their `model_index.json` names. Loads no
package of models.

Rates, sizes and lengths are those the models learned from, as their pages at https://huggingface.co
say: Stable Video Diffusion 7 frames a second at 1024 × 576, LTX-Video 25 at 704 × 480, Wan 16 at
832 × 480, AnimateDiff 8 at the size of its model.
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
"""Where Linux shows cards of NVIDIA and AMD, and Windows its Linux."""

_TINY = 64 * 64
"""Pixels a demonstration is drawn at: a model this small learned no more."""


@dataclass(frozen=True)
class VideoModelFamily:
    """A kind of model: the pipeline that begins from a picture, frames a second, the most it makes,
    in groups of so many after the first, edges in multiples of `grid` pixels, `area` together;
    whether words and a motion are heard."""

    opens: str
    rate: int
    most: int
    group: int
    grid: int
    area: int
    words: bool = True
    motion: bool = False
    adapter: bool = False
    """Whether it is moved by an adapter of its own."""

    def frames(self, seconds: float) -> int:
        """The frames of about so many seconds, a group after the first at least. Raises JobTooLarge
        beyond its most."""
        if seconds > self.seconds:
            raise JobTooLarge("engine.film_long", most=self.seconds)
        groups = round((seconds * self.rate - 1) / self.group)
        return 1 + self.group * min(max(groups, 1), (self.most - 1) // self.group)

    @property
    def seconds(self) -> int:
        """The most seconds it makes."""
        return min(max(round(self.most / self.rate), video.MIN_SECONDS), video.MAX_SECONDS)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The size to draw at, in pixels: the proportions asked for, in what it learned from, on
        its grid."""
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
"""By the class a folder names."""


@dataclass(frozen=True)
class VideoModel:
    """A model that makes pictures move, and of which kind it is; `adapter` is the folder of what
    moves it."""

    model: ModelFiles
    family: VideoModelFamily
    adapter: str = ""


class VideoModelLibrary:
    """The folder of the settings, with what is in it."""

    def __init__(self, settings: GeneratorsSettings) -> None:
        """Raises EngineMissing when the settings name no folder."""
        self._settings = settings
        if not settings.film_models:
            raise EngineMissing("engine.film_none")
        if not Path(settings.film_models).is_dir():
            raise EngineMissing("engine.folder_missing", folder=settings.film_models)

    def find_model(self, name: str) -> VideoModel:
        """The model of a name. Raises EngineMissing for one that is not there, or moves no
        picture."""
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
        """The models that can be asked here, by name. Raises EngineMissing that says why none
        can."""
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
    """What can be asked here: the models, and what is missing where there are none."""

    movers: tuple[VideoModel, ...]
    lacks: EngineError | None = None


def video_capabilities(settings: GeneratorsSettings) -> VideoCapabilities:
    """Which films can be asked for here, found out without loading anything: for pages."""
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
    """Whether a model is run where a GPU is, or is none: a large one takes hours for seconds of
    film on a processor."""
    return gpu or settings.film_device == "cpu" or model.label is OriginLabel.DEMO


def has_gpu() -> bool:
    """Whether this machine shows a card that torch could use, asked without torch."""
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return apple or any(Path(one).exists() for one in _GPUS)


def _motion_adapter_folder(folder: str, model: ModelFiles) -> Path:
    """The folder of the motion adapter. Raises EngineMissing."""
    if not folder:
        raise EngineMissing("engine.film_adapter", model=model.name)
    found = Path(folder)
    if not (found / "config.json").is_file() or not list(found.glob("*.safetensors")):
        raise EngineMissing("engine.folder_broken", folder=folder)
    return found


def _check_tokenizer(folder: Path) -> None:
    """Raise EngineMissing where the words of a model are kept in a form that a package of its own
    reads."""
    kept = folder / "tokenizer"
    needs = (kept / "spiece.model").is_file() and not (kept / "tokenizer.json").is_file()
    if needs and importlib.util.find_spec("sentencepiece") is None:
        raise EngineMissing("engine.package_missing", package="sentencepiece")


def _max_frames(family: VideoModelFamily, folder: Path, adapter: Path | None) -> int:
    """The most frames a model makes: those its own files say, where they say any."""
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
