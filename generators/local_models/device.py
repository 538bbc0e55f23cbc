"""The device that runs models, its precision, and the memory budget. Imports torch on the first use
of a model."""

import importlib
import shutil
import subprocess
from dataclasses import dataclass

import psutil

MEBIBYTE = 2**20
_PART = {"cuda": 0.9, "mps": 0.6, "cpu": 0.5}
"""Share of the free memory that models may use: most of a GPU's memory, and part of the main
memory."""

QUERY_SECONDS = 10.0
"""Maximum duration of the driver's answer about a GPU."""

_NO_MEMORY = ("out of memory", "can't allocate memory", "ALLOC_FAILED")
"""Error texts of torch, Apple's backend, the CPU allocator and CUDA's libraries."""


@dataclass(frozen=True)
class ComputeDevice:
    """A device. `kind` is torch's name for it, `dtype` the name of torch's number type.

    `budget` is the memory in bytes for all models, measured when the device was chosen; `most` is
    the maximum if no other program used memory.
    """

    kind: str
    dtype: str
    budget: int
    name: str
    most: int = 0
    fixed: bool = False
    """True if the budget is set in the settings, regardless of free memory."""

    @property
    def batch(self) -> int:
        """Maximum number of pictures in a batch; fewer if memory is short."""
        return 4 if self.kind == "cpu" else 8


def choose_device(budget_mib: int = 0) -> ComputeDevice:
    """Return the best device of this machine. `budget_mib` replaces the measured free memory, in
    MiB.

    Half precision is used on devices built for it: bfloat16 on GPUs from Ampere on, float16 on
    older ones and on Apple's. CPUs use float32, because half precision is slower there.
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
    """Return the current memory budget in bytes, including the `held` bytes that our models already
    use. It changes with the memory usage of other programs."""
    return (
        place.budget
        if place.fixed
        else int((_memory_bytes(place.kind)[0] + held) * _PART[place.kind])
    )


def _memory_bytes(kind: str) -> tuple[int, int]:
    """Return free and total memory in bytes."""
    if kind == "cuda":
        free, total = importlib.import_module("torch").cuda.mem_get_info()
        return int(free), int(total)
    memory = psutil.virtual_memory()
    return int(memory.available), int(memory.total)


def estimate_memory(budget_mib: int = 0) -> tuple[str, int]:
    """Return the number type and the memory in bytes that models of this machine may use, without
    loading torch: of its largest NVIDIA GPU, or else of its main memory.

    `budget_mib` replaces the memory, in MiB.
    """
    gpu_mib = _read_gpu_memory_mib()
    if gpu_mib:
        return "float16", budget_mib * MEBIBYTE or int(gpu_mib * MEBIBYTE * _PART["cuda"])
    return "float32", budget_mib * MEBIBYTE or int(psutil.virtual_memory().total * _PART["cpu"])


def _read_gpu_memory_mib() -> int:
    """Return the memory of the largest NVIDIA GPU in MiB, or 0 without one."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    try:
        told = subprocess.run(  # noqa: S603  the driver's program, with fixed arguments
            [program, "--query-gpu=memory.total", "--format=csv,noheader,nounits"],
            capture_output=True,
            timeout=QUERY_SECONDS,
            check=True,
            text=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    return max((int(line) for line in told.split() if line.isdigit()), default=0)


def is_out_of_memory(error: BaseException) -> bool:
    """Return True if the device ran out of memory. torch has an exception for GPUs; other devices
    are recognized by error texts."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _NO_MEMORY)
