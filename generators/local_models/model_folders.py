"""Models, adapters and looks in folders and files of this machine, by their names, which come from
recipes: none leads elsewhere.

A path that is no folder would be taken by diffusers for the name of a model on a hub, so each is
looked at first.
"""

import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path

from foundation.i18n.translation import Message
from foundation.ops.settings import DEMO_MODEL, GeneratorsSettings
from generators.contract.engines import EngineMissing, Lora, OriginLabel
from generators.local_models import checkpoints
from generators.local_models.weight_files import count_file_parameters

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}/[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
PACKAGES = ("torch", "diffusers", "transformers", "peft")
SMALL = 16_000_000
"""Numbers of a model below which it is a demonstration: no model for photographs is that small."""
_SHIPPED = Path(__file__).resolve().parent / "demo_model"
CARD = "greenroom.json"
"""Beside a model's index: `{"label": "demo"}`, a value of `Label` that its pictures carry."""


@dataclass(frozen=True)
class ModelFiles:
    """A pipeline's weights: `source` a folder or a hub's name, `numbers` how many they are, 0 where
    unknown."""

    name: str
    source: str
    parameter_count: int
    half: bool = False
    """Its files are those of the variant fp16."""
    declared: OriginLabel = OriginLabel.NONE
    kind: str = ""
    """The class of its pipeline, as its folder names it."""
    layout: str = ""
    """Of a checkpoint in one file, the folder that says its shape."""

    @property
    def label(self) -> OriginLabel:
        """What its pictures must not be mistaken for."""
        return self.declared or (
            OriginLabel.DEMO if 0 < self.parameter_count < SMALL else OriginLabel.NONE
        )

    def bytes_in(self, dtype: str) -> int:
        """About what it takes in memory: its weights in that precision, and a tenth for what it is
        run with."""
        return int(self.parameter_count * (4 if dtype == "float32" else 2) * 1.1)


OWNED = 12
"""Letters of an agency's id that end the name of its folder, as in the watched folder."""


class ModelLibrary:
    """What the settings name: one model, others beside it, LoRAs, one adapter for references, one
    for poses."""

    def __init__(self, settings: GeneratorsSettings) -> None:
        """Raises EngineMissing when the folder is no model folder, or when a package is missing."""
        self._settings = settings
        named = (
            _SHIPPED if settings.diffusion_folder == DEMO_MODEL else Path(settings.diffusion_folder)
        )
        self.default = (
            open_model_folder(named)
            if named.is_dir()
            else self._checkpoint_model(named) or open_model_folder(named)
        )
        check_packages()

    def find_model(self, name: str) -> ModelFiles:
        """The model of a name, the default for none. Raises EngineMissing for one that is not
        there."""
        if name in ("", self.default.name):
            return self.default
        if self._settings.diffusion_hub and _HUB_NAME.fullmatch(name):
            return ModelFiles(name, name, 0)
        folder = safe_child(
            self._settings.diffusion_models, name.removesuffix(checkpoints.CHECKPOINT_SUFFIX)
        )
        if folder is not None and folder.is_dir():
            return open_model_folder(folder)
        beside = (
            folder.with_name(f"{folder.name}{checkpoints.CHECKPOINT_SUFFIX}")
            if folder is not None
            else None
        )
        if beside is None or (found := self._checkpoint_model(beside)) is None:
            raise EngineMissing("engine.model_missing", model=name[:100], engine="diffusion")
        return found

    def _checkpoint_model(self, file: Path) -> ModelFiles | None:
        """The model of one file, None where there is none. Raises EngineMissing for one that is of
        no known layout, and where the file of that name is of a kind that runs code when it is
        read."""
        if file.suffix == checkpoints.CHECKPOINT_SUFFIX and file.is_file():
            layout, kind, numbers = checkpoints.checkpoint_layout(
                file, self._settings.diffusion_layouts
            )
            return ModelFiles(file.stem, str(file), numbers, kind=kind, layout=str(layout))
        bare = file.name.removesuffix(
            file.suffix
            if file.suffix in checkpoints.UNSAFE_SUFFIXES
            else checkpoints.CHECKPOINT_SUFFIX
        )
        for suffix in checkpoints.UNSAFE_SUFFIXES:
            if file.with_name(bare + suffix).is_file():
                raise EngineMissing("engine.checkpoint_pickle", file=bare + suffix)
        return None

    def find_lora(self, wanted: Lora) -> Path:
        """The file of a LoRA: in a folder of its owner's, which the end of their id ends, else
        among the shared ones. Raises EngineMissing."""
        root = self._settings.diffusion_loras
        for folder in (*_owner_folders(root, wanted.owner), root):
            file = safe_child(folder, f"{wanted.name}.safetensors")
            if file is not None and file.is_file():
                return file
        raise EngineMissing("engine.lora_missing", lora=wanted.name[:100], folder=root or "-")

    def list_models(self) -> list[str]:
        """The names of the models beside its own: folders, and checkpoints in one file."""
        if not self._settings.diffusion_models:
            return []
        folder = Path(self._settings.diffusion_models)
        found = {one.parent.name for one in folder.glob("*/model_index.json")}
        found |= {one.stem for one in folder.glob(f"*{checkpoints.CHECKPOINT_SUFFIX}")}
        return sorted(name for name in found if _NAME.fullmatch(name))

    def model_problems(self) -> list[Message]:
        """Why models among those that are listed, and files beside them, cannot be used."""
        folder = Path(self._settings.diffusion_models)
        found = list[Message]()
        files = (
            list(folder.iterdir()) if self._settings.diffusion_models and folder.is_dir() else []
        )
        pickles = [one.name for one in files if one.suffix in checkpoints.UNSAFE_SUFFIXES]
        for name in self.list_models():
            try:
                self.find_model(name)
            except EngineMissing as error:
                found.append(error.message)
        return [
            *found,
            *(Message("engine.checkpoint_pickle", {"file": name}) for name in sorted(pickles)),
        ]

    def list_loras(self) -> list[str]:
        """The names of the LoRAs that all share."""
        folder = Path(self._settings.diffusion_loras)
        found = folder.glob("*.safetensors") if self._settings.diffusion_loras else ()
        return sorted(one.stem for one in found if _NAME.fullmatch(one.stem))

    @property
    def references(self) -> Path | None:
        """The folder of the IP-Adapter: `image_encoder/` and one file of weights."""
        return _existing_folder(self._settings.diffusion_references)

    @property
    def poses(self) -> Path | None:
        """The folder of the ControlNet."""
        return _existing_folder(self._settings.diffusion_poses)

    @property
    def supported_inputs(self) -> frozenset[str]:
        """What can be asked beside words, with these folders. Raises EngineMissing for one that is
        not there."""
        for path in (self._settings.diffusion_references, self._settings.diffusion_poses):
            _existing_folder(path)
        return supported_inputs(self._settings)


def supported_inputs(settings: GeneratorsSettings) -> frozenset[str]:
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


def weights_file_in(folder: Path) -> Path:
    """The one file of weights in a folder. Raises EngineMissing where there is none, or more than
    one."""
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise EngineMissing("engine.folder_broken", folder=str(folder))
    return files[0]


def _owner_folders(root: str, owner: str) -> list[str]:
    """The folders of an owner below a folder; they may be renamed, but for the end."""
    if not root or len(owner) < OWNED or not Path(root).is_dir():
        return []
    return sorted(
        str(one) for one in Path(root).iterdir() if one.name.endswith(f"-{owner[-OWNED:]}")
    )


def safe_child(folder: str, name: str) -> Path | None:
    """What a name means below a folder; nothing for a name that is none."""
    return Path(folder) / name if folder and _NAME.fullmatch(name) else None


def _existing_folder(path: str) -> Path | None:
    if not path:
        return None
    if not Path(path).is_dir():
        raise EngineMissing("engine.folder_missing", folder=path)
    return Path(path)


def open_model_folder(folder: Path) -> ModelFiles:
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
        numbers = count_file_parameters(half or files)
        return ModelFiles(
            folder.name,
            str(folder),
            numbers,
            bool(half),
            _declared_label(folder / CARD),
            str(index["_class_name"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineMissing("engine.folder_broken", folder=str(folder)) from error


def _declared_label(card: Path) -> OriginLabel:
    return (
        OriginLabel(json.loads(card.read_text(encoding="utf-8"))["label"])
        if card.exists()
        else OriginLabel.NONE
    )
