"""Models, adapters and LoRAs in local folders and files, found by names from recipes. A name cannot
refer to a path outside its folder.

diffusers would treat a path that is not a folder as the name of a model on a hub, so each path is
checked first.
"""

import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path

from foundation.i18n.translation import Message
from foundation.ops.settings import DEMO_MODEL, GeneratorsSettings
from generators.contract.engines import EngineMissing, Lora, OriginLabel
from generators.local_models import checkpoints, device
from generators.local_models.weight_files import count_file_parameters

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}/[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
PACKAGES = ("torch", "diffusers", "transformers", "peft")
SMALL = 16_000_000
"""Number of parameters below which a model counts as demo quality; all photographic models have
more."""
_SHIPPED = Path(__file__).resolve().parent / "demo_model"
CARD = "greenroom.json"
"""Name of the file beside a model's index that contains the `OriginLabel` of its pictures, such as
`{"label": "demo"}`."""


@dataclass(frozen=True)
class ModelFiles:
    """A pipeline's weights. `source` is a folder or a hub name; `parameter_count` is 0
    if unknown."""

    name: str
    source: str
    parameter_count: int
    half: bool = False
    """True if the files are of the fp16 variant."""
    declared: OriginLabel = OriginLabel.NONE
    kind: str = ""
    """The class of its pipeline, as named in its folder."""
    layout: str = ""
    """The layout folder of a checkpoint in a single file."""

    @property
    def label(self) -> OriginLabel:
        """The label that its pictures must carry."""
        return self.declared or (
            OriginLabel.DEMO if 0 < self.parameter_count < SMALL else OriginLabel.NONE
        )

    def bytes_in(self, dtype: str) -> int:
        """Return the approximate memory of the model in bytes: the weights in this precision, plus
        a tenth for the run."""
        return int(self.parameter_count * (4 if dtype == "float32" else 2) * 1.1)


OWNED = 12
"""Number of final characters of an agency's ID with which the name of its folder ends, as in the
watch folder."""


class ModelLibrary:
    """The configured models: a default model, other models by name, LoRAs, and one adapter each for
    references and poses."""

    def __init__(self, settings: GeneratorsSettings) -> None:
        """Open the library. Raises EngineMissing if the folder is not a model folder, or a package
        is missing."""
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
        """Return the model of this name, or the default without one. Raises EngineMissing if it
        does not exist."""
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
        """Return the model of a single file, or None. Raises EngineMissing for an unknown layout,
        or a file format that runs code when loaded."""
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
        """Return the file of a LoRA: from its owner's folder, whose name ends with the end of the
        owner's ID, or else from the shared files. Raises EngineMissing."""
        root = self._settings.diffusion_loras
        for folder in (*_owner_folders(root, wanted.owner), root):
            file = safe_child(folder, f"{wanted.name}.safetensors")
            if file is not None and file.is_file():
                return file
        raise EngineMissing("engine.lora_missing", lora=wanted.name[:100], folder=root or "-")

    def list_models(self) -> list[str]:
        """Return the names of the other models: folders, and checkpoints in single files."""
        if not self._settings.diffusion_models:
            return []
        folder = Path(self._settings.diffusion_models)
        found = {one.parent.name for one in folder.glob("*/model_index.json")}
        found |= {one.stem for one in folder.glob(f"*{checkpoints.CHECKPOINT_SUFFIX}")}
        return sorted(name for name in found if _NAME.fullmatch(name))

    def model_problems(self) -> list[Message]:
        """Return the reasons why listed models, or files beside them, cannot be used."""
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
        """Return the names of the shared LoRAs."""
        folder = Path(self._settings.diffusion_loras)
        found = folder.glob("*.safetensors") if self._settings.diffusion_loras else ()
        return sorted(one.stem for one in found if _NAME.fullmatch(one.stem))

    @property
    def references(self) -> Path | None:
        """The folder of the IP-Adapter: `image_encoder/` and one weight file."""
        return _existing_folder(self._settings.diffusion_references)

    @property
    def poses(self) -> Path | None:
        """The folder of the ControlNet."""
        return _existing_folder(self._settings.diffusion_poses)

    @property
    def supported_inputs(self) -> frozenset[str]:
        """The inputs supported with these folders. Raises EngineMissing if a folder does not
        exist."""
        for path in (self._settings.diffusion_references, self._settings.diffusion_poses):
            _existing_folder(path)
        return supported_inputs(self._settings)


def list_fitting_models(settings: GeneratorsSettings) -> tuple[str, ...]:
    """Return the names of the models that fit into this machine's memory ("" is the default model)
    and of all LoRAs, without loading torch. Empty if the default model is unusable."""
    try:
        library = ModelLibrary(settings)
    except EngineMissing:
        return ()
    dtype, memory = device.estimate_memory(settings.diffusion_memory_mib)
    fitting = set[str]()
    for name in ("", library.default.name, *library.list_models()):
        try:
            needed = library.find_model(name).bytes_in(dtype)
        except EngineMissing:
            continue
        if needed <= memory:
            fitting.add(name)
    folder = Path(settings.diffusion_loras)
    files = folder.rglob("*.safetensors") if settings.diffusion_loras else ()
    return tuple(sorted(fitting | {one.stem for one in files if _NAME.fullmatch(one.stem)}))


def supported_inputs(settings: GeneratorsSettings) -> frozenset[str]:
    """Return the inputs that these settings support, without accessing the folders."""
    folders = {
        "loras": settings.diffusion_loras,
        "references": settings.diffusion_references,
        "pose": settings.diffusion_poses,
    }
    return frozenset({"init", "mask"} | {name for name, folder in folders.items() if folder})


def check_packages() -> None:
    """Raise EngineMissing for a required package that is not installed."""
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise EngineMissing("engine.package_missing", package=package)


def weights_file_in(folder: Path) -> Path:
    """Return the only weight file in a folder. Raises EngineMissing if there is none or more than
    one."""
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise EngineMissing("engine.folder_broken", folder=str(folder))
    return files[0]


def _owner_folders(root: str, owner: str) -> list[str]:
    """Return the folders of an owner below a folder. Only the end of their names is fixed."""
    if not root or len(owner) < OWNED or not Path(root).is_dir():
        return []
    return sorted(
        str(one) for one in Path(root).iterdir() if one.name.endswith(f"-{owner[-OWNED:]}")
    )


def safe_child(folder: str, name: str) -> Path | None:
    """Return the path of a name below a folder, or None for an invalid name."""
    return Path(folder) / name if folder and _NAME.fullmatch(name) else None


def _existing_folder(path: str) -> Path | None:
    if not path:
        return None
    if not Path(path).is_dir():
        raise EngineMissing("engine.folder_missing", folder=path)
    return Path(path)


def open_model_folder(folder: Path) -> ModelFiles:
    """Return the pipeline files of a folder. Raises EngineMissing with the action required."""
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
