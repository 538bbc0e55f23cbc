"""Models, adapters and looks in folders of this machine, by their names. Names come from recipes: none leads elsewhere.

A path that is no folder would be taken by diffusers for the name of a model on a hub, so each is looked at first.
"""

import importlib.util
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from foundation.settings import DEMO_MODEL, GeneratorsSettings
from generators.contract import EngineMissing, Label, Lora

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}/[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
PACKAGES = ("torch", "diffusers", "transformers", "peft")
SMALL = 16_000_000
"""Numbers of a model below which it is a demonstration: no model for photographs is that small."""
_SHIPPED = Path(__file__).resolve().parents[1] / "demo_model"
CARD = "greenroom.json"
"""Beside a model's index: `{"label": "demo"}`, a value of `Label` that its pictures carry."""
_LONGEST_HEADER = 100_000_000


@dataclass(frozen=True)
class Model:
    """A pipeline's weights: `source` a folder or a hub's name, `numbers` how many they are, 0 where unknown."""

    name: str
    source: str
    numbers: int
    half: bool = False
    """Its files are those of the variant fp16."""
    declared: Label = Label.NONE
    kind: str = ""
    """The class of its pipeline, as its folder names it."""

    @property
    def label(self) -> Label:
        """What its pictures must not be mistaken for."""
        return self.declared or (Label.DEMO if 0 < self.numbers < SMALL else Label.NONE)

    def bytes_in(self, dtype: str) -> int:
        """About what it takes in memory: its weights in that precision, and a tenth for what it is run with."""
        return int(self.numbers * (4 if dtype == "float32" else 2) * 1.1)


OWNED = 12
"""Letters of an agency's id that end the name of its folder, as in the watched folder."""


class Shelf:
    """What the settings name: one model, others beside it, LoRAs, one adapter for references, one for poses."""

    def __init__(self, settings: GeneratorsSettings) -> None:
        """Raises EngineMissing when the folder is no model folder, or when a package is missing."""
        self._settings = settings
        self.default = model_in(
            _SHIPPED if settings.diffusion_folder == DEMO_MODEL else Path(settings.diffusion_folder)
        )
        check_packages()

    def model(self, name: str) -> Model:
        """The model of a name, the default for none. Raises EngineMissing for one that is not there."""
        if name in ("", self.default.name):
            return self.default
        if self._settings.diffusion_hub and _HUB_NAME.fullmatch(name):
            return Model(name, name, 0)
        folder = inside(self._settings.diffusion_models, name)
        if folder is None or not folder.is_dir():
            raise EngineMissing("engine.model_missing", model=name, engine="diffusion")
        return model_in(folder)

    def lora(self, wanted: Lora) -> Path:
        """The file of a LoRA: in a folder of its owner's, which the end of their id ends, else among the shared ones.
        Raises EngineMissing."""
        root = self._settings.diffusion_loras
        for folder in (*_owned(root, wanted.owner), root):
            file = inside(folder, f"{wanted.name}.safetensors")
            if file is not None and file.is_file():
                return file
        raise EngineMissing("engine.lora_missing", lora=wanted.name[:100], folder=root or "-")

    def models(self) -> list[str]:
        """The names of the models beside its own."""
        folder = Path(self._settings.diffusion_models)
        found = folder.glob("*/model_index.json") if self._settings.diffusion_models else ()
        return sorted(one.parent.name for one in found if _NAME.fullmatch(one.parent.name))

    def loras(self) -> list[str]:
        """The names of the LoRAs that all share."""
        folder = Path(self._settings.diffusion_loras)
        found = folder.glob("*.safetensors") if self._settings.diffusion_loras else ()
        return sorted(one.stem for one in found if _NAME.fullmatch(one.stem))

    @property
    def references(self) -> Path | None:
        """The folder of the IP-Adapter: `image_encoder/` and one file of weights."""
        return _folder(self._settings.diffusion_references)

    @property
    def poses(self) -> Path | None:
        """The folder of the ControlNet."""
        return _folder(self._settings.diffusion_poses)

    @property
    def does(self) -> frozenset[str]:
        """What can be asked beside words, with these folders. Raises EngineMissing for one that is not there."""
        for path in (self._settings.diffusion_references, self._settings.diffusion_poses):
            _folder(path)
        return abilities(self._settings)


def abilities(settings: GeneratorsSettings) -> frozenset[str]:
    """What can be asked beside words with these settings; asks no folder."""
    folders = {
        "loras": settings.diffusion_loras,
        "references": settings.diffusion_references,
        "pose": settings.diffusion_poses,
    }
    return frozenset({"init", "mask"} | {name for name, folder in folders.items() if folder})


def check_packages() -> None:
    """Raise EngineMissing that names a package which models need and that is not installed."""
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise EngineMissing("engine.package_missing", package=package)


def weights_of(folder: Path) -> Path:
    """The one file of weights in a folder. Raises EngineMissing where there is none, or more than one."""
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise EngineMissing("engine.folder_broken", folder=str(folder))
    return files[0]


def _owned(root: str, owner: str) -> list[str]:
    """The folders of an owner below a folder; they may be renamed, but for the end."""
    if not root or len(owner) < OWNED or not Path(root).is_dir():
        return []
    return sorted(str(one) for one in Path(root).iterdir() if one.name.endswith(f"-{owner[-OWNED:]}"))


def inside(folder: str, name: str) -> Path | None:
    """What a name means below a folder; nothing for a name that is none."""
    return Path(folder) / name if folder and _NAME.fullmatch(name) else None


def _folder(path: str) -> Path | None:
    if not path:
        return None
    if not Path(path).is_dir():
        raise EngineMissing("engine.folder_missing", folder=path)
    return Path(path)


def model_in(folder: Path) -> Model:
    """The pipeline of a folder. Raises EngineMissing with the thing to do."""
    if not folder.is_dir():
        raise EngineMissing("engine.folder_missing", folder=str(folder))
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineMissing("engine.folder_no_model", folder=str(folder)) from error
    if not isinstance(index, dict) or "_class_name" not in index:
        raise EngineMissing("engine.folder_no_model", folder=str(folder))
    files = list(folder.glob("*/*.safetensors"))
    half = [file for file in files if file.name.endswith(".fp16.safetensors")]
    try:
        numbers = numbers_of(half or files)
        return Model(folder.name, str(folder), numbers, bool(half), _declared(folder / CARD), str(index["_class_name"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineMissing("engine.folder_broken", folder=str(folder)) from error


def numbers_of(files: Iterable[Path]) -> int:
    """How many numbers files of weights hold together. Raises OSError, ValueError and the like for broken ones."""
    return sum(map(_numbers, files))


def _numbers(file: Path) -> int:
    """How many numbers a file of weights holds, whatever their precision; reads its header alone.

    Source: https://huggingface.co/docs/safetensors/index#format
    """
    with file.open("rb") as weights:
        length = int.from_bytes(weights.read(8), "little")
        if length > _LONGEST_HEADER:
            raise ValueError("no header of weights")
        header = json.loads(weights.read(length))
    return sum(math.prod(each["shape"]) for name, each in header.items() if name != "__metadata__")


def _declared(card: Path) -> Label:
    return Label(json.loads(card.read_text(encoding="utf-8"))["label"]) if card.exists() else Label.NONE
