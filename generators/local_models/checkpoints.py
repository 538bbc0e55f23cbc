"""Checkpoints in a single weight file, as offered for download: their layout and their pipeline.

Such a file lacks the shape of each part and the vocabulary. Both are bundled for Stable Diffusion
1.5 and XL, so that nothing is downloaded from a hub. Files that run code when loaded (pickles) are
never opened.
"""

import hashlib
import importlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from generators.contract.engines import EngineMissing
from generators.local_models.weight_files import count_parameters, read_header

CHECKPOINT_SUFFIX = ".safetensors"
UNSAFE_SUFFIXES = (".ckpt", ".pt", ".pth", ".bin", ".pkl")
LAYOUT_FOLDER = Path(__file__).resolve().parent / "checkpoint_layouts"
TOKENIZER_FOLDER = LAYOUT_FOLDER / "words"
"""The vocabulary of CLIP, for layouts without one."""

MARKS = {
    "sdxl": "conditioner.embedders.1.model.",
    "sd15": "cond_stage_model.transformer.text_model.",
}
"""Prefixes of weight names that identify a layout, by its text encoder."""

PARTS = ("model.diffusion_model.", "first_stage_model.")
"""Prefixes of the network's and the decoder's weights in every layout."""

_FIRST = "model.diffusion_model.input_blocks.0.0.weight"
_SPARE = "model_ema."
"""Prefix of a second copy of the weights that training leaves in some files."""

_LONGEST = 77
_PAD_OF_SECOND = "!"


def checkpoint_layout(file: Path, layouts: str) -> tuple[Path, str, int]:
    """Return the folder of a file's layout, its pipeline class, and its number of parameters.

    Raises EngineMissing if the file is not a complete checkpoint of a known layout.
    """
    try:
        told = read_header(file)
        kind = next(kind for kind, mark in MARKS.items() if _has_prefix(told, mark))
        folder = (Path(layouts) if layouts else LAYOUT_FOLDER) / kind
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        network = json.loads((folder / "unet" / "config.json").read_text(encoding="utf-8"))
        if (
            not all(_has_prefix(told, part) for part in PARTS)
            or told[_FIRST]["shape"][1] != network["in_channels"]
        ):
            raise ValueError("a part is missing, or takes other things")
        numbers = count_parameters(
            {name: one for name, one in told.items() if not name.startswith(_SPARE)}
        )
        return folder, str(index["_class_name"]), numbers
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        StopIteration,
    ) as error:
        raise EngineMissing("engine.checkpoint_unknown", file=file.name) from error


def _has_prefix(names: Mapping[str, Any], start: str) -> bool:
    return any(name.startswith(start) for name in names)


def open_checkpoint(file: str, folder: str, options: Mapping[str, Any]) -> Any:
    """Load the pipeline of a checkpoint with this layout. Raises OSError, ValueError or KeyError
    for a broken one."""
    diffusers = importlib.import_module("diffusers")
    index = json.loads((Path(folder) / "model_index.json").read_text(encoding="utf-8"))
    told = {name: options[name] for name in ("dtype", "local_files_only")}
    broken = importlib.import_module("diffusers.loaders.single_file_utils").SingleFileComponentError
    try:
        found = getattr(diffusers, index["_class_name"]).from_single_file(
            file, config=folder, **told, **dict(_iter_tokenizers(Path(folder), index))
        )
    except (broken, RuntimeError) as error:
        # torch raises RuntimeError for weights of other shapes than in the layout.
        if isinstance(error, RuntimeError) and "memory" in str(error):
            raise
        raise ValueError("a part is missing, or of another shape") from error
    parts = [part for part in found.components.values() if hasattr(part, "parameters")]
    if any(weight.is_meta for part in parts for weight in part.parameters()):
        raise ValueError("weights are missing")
    return found


def _iter_tokenizers(folder: Path, index: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the tokenizers that a layout names but does not contain. The second tokenizer of XL
    uses a different padding token."""
    for name in ("tokenizer", "tokenizer_2"):
        if name in index and not (folder / name).is_dir():
            pad = {"pad_token": _PAD_OF_SECOND} if name == "tokenizer_2" else {}
            tokenizer = importlib.import_module("transformers").CLIPTokenizer
            yield (
                name,
                tokenizer.from_pretrained(str(TOKENIZER_FOLDER), model_max_length=_LONGEST, **pad),
            )


def checkpoint_digest(file: str) -> str:
    """Return the SHA-256 of a checkpoint, cached while size and modification time are unchanged.
    Raises OSError."""
    there = Path(file).stat()
    return _file_digest(file, there.st_size, there.st_mtime_ns)


@lru_cache(32)
def _file_digest(file: str, _size: int, _time: int) -> str:
    with Path(file).open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest()
