"""On what models run here, how precisely, and how much they may hold. Loads torch: asked by who
needs a model."""

import importlib
from dataclasses import dataclass

import psutil

MEBIBYTE = 2**20
_PART = {"cuda": 0.9, "mps": 0.6, "cpu": 0.5}
"""How much of the free memory models may hold; a GPU is theirs, a machine's memory is
everybody's."""

_NO_MEMORY = ("out of memory", "can't allocate memory", "ALLOC_FAILED")
"""As torch, Apple's backend, the processor's allocator and CUDA's libraries say it."""


@dataclass(frozen=True)
class ComputeDevice:
    """`kind` as torch calls it, `dtype` the name of torch's number type, `budget` bytes for models
    together, as found free when it was chosen; `most` what there could be if nobody else held
    anything."""

    kind: str
    dtype: str
    budget: int
    name: str
    most: int = 0
    fixed: bool = False
    """The settings say the budget, whatever is free."""

    @property
    def batch(self) -> int:
        """Pictures made together at most; where memory is short, fewer are."""
        return 4 if self.kind == "cpu" else 8


def choose_device(budget_mib: int = 0) -> ComputeDevice:
    """The best device of this machine; `budget_mib` replaces what would be found free, in MiB.

    Half precision where it is as exact as its models were stored and the device is built for it:
    bfloat16 on GPUs from Ampere on, float16 on older ones and on Apple's; on a processor float32,
    since halves are slower there.
    """
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        dtype = "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
        kind = "cuda"
        name = str(torch.cuda.get_device_name())
    elif torch.backends.mps.is_available():
        kind = "mps"
        dtype = "float16"
        name = "Apple GPU"
    else:
        kind = "cpu"
        dtype = "float32"
        name = "CPU"
    free, total = (int(each * _PART[kind]) for each in _memory_bytes(kind))
    given = budget_mib * MEBIBYTE
    return ComputeDevice(kind, dtype, given or free, name, given or total, fixed=bool(given))


def memory_budget(place: ComputeDevice, held: int = 0) -> int:
    """What models may hold together now, of which ours hold so many bytes already: others come and
    go."""
    return (
        place.budget
        if place.fixed
        else int((_memory_bytes(place.kind)[0] + held) * _PART[place.kind])
    )


def _memory_bytes(kind: str) -> tuple[int, int]:
    """Bytes that are free, and bytes in all."""
    if kind == "cuda":
        free, total = importlib.import_module("torch").cuda.mem_get_info()
        return int(free), int(total)
    memory = psutil.virtual_memory()
    return int(memory.available), int(memory.total)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device had no room: torch says it in an error of its own for cards, in words for
    the rest."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _NO_MEMORY)
