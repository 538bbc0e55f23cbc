"""Headers of weight files (`.safetensors`); the weights are not read.

Source: https://huggingface.co/docs/safetensors/index#format
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_LONGEST_HEADER = 100_000_000


def read_header(file: Path) -> dict[str, Any]:
    """Return the shape and position of each weight, by name. Raises OSError, ValueError, TypeError
    or AttributeError for a broken file."""
    with file.open("rb") as weights:
        length = int.from_bytes(weights.read(8), "little")
        if length > _LONGEST_HEADER:
            raise ValueError("no header of weights")
        told = json.loads(weights.read(length))
    told.pop("__metadata__", None)
    return dict(told)


def count_parameters(told: Mapping[str, Any]) -> int:
    """Return the number of parameters in a header, regardless of their precision."""
    return sum(math.prod(each["shape"]) for each in told.values())


def count_file_parameters(files: Iterable[Path]) -> int:
    """Return the total number of parameters in weight files. Raises the errors of `read_header`."""
    return sum(count_parameters(read_header(file)) for file in files)
