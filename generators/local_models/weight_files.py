"""What files of weights (`.safetensors`) say of themselves; reads their headers alone.

Source: https://huggingface.co/docs/safetensors/index#format
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_LONGEST_HEADER = 100_000_000


def read_header(file: Path) -> dict[str, Any]:
    """The shape and place of each of its weights, by name. Raises OSError, ValueError and the like
    for broken files."""
    with file.open("rb") as weights:
        length = int.from_bytes(weights.read(8), "little")
        if length > _LONGEST_HEADER:
            raise ValueError("no header of weights")
        told = json.loads(weights.read(length))
    told.pop("__metadata__", None)
    return dict(told)


def count_parameters(told: Mapping[str, Any]) -> int:
    """How many numbers the weights of a header hold, whatever their precision."""
    return sum(math.prod(each["shape"]) for each in told.values())


def count_file_parameters(files: Iterable[Path]) -> int:
    """How many numbers files of weights hold together. Raises as `header`."""
    return sum(count_parameters(read_header(file)) for file in files)
