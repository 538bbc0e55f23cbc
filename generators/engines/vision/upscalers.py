"""Upscalers from a configured file: an ESRGAN network in `.safetensors`, run by torch, or an ONNX
model with colours from 0 to 1. No model is bundled."""

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import EngineMissing
from generators.engines.vision.esrgan import EsrganUpscaler
from generators.local_models import checkpoints
from generators.retouch.upscaler import Upscaler

THREADS = 2
MAX_SCALE = 8
_TRIED = 64
"""Edge in pixels of the trial tile from which a model's scale factor is determined."""

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_NO_ROOM = ("allocate", "bad_alloc", "out of memory")


def load_engine(settings: GeneratorsSettings) -> Upscaler | None:
    """Return the configured upscaler, loaded on first use, or None. Raises EngineMissing."""
    if not settings.upscale_model:
        return None
    file = Path(settings.upscale_model)
    if file.suffix in checkpoints.UNSAFE_SUFFIXES:
        raise EngineMissing("engine.checkpoint_pickle", file=file.name)
    if not file.is_file():
        raise EngineMissing("upscale.no_file", file=str(file))
    if file.suffix == ".onnx":
        return OnnxUpscaler(file)
    if file.suffix != checkpoints.CHECKPOINT_SUFFIX:
        raise EngineMissing("upscale.unfit", file=file.name)
    if importlib.util.find_spec("torch") is None:
        raise EngineMissing("engine.package_missing", package="torch")
    return EsrganUpscaler(file)


class OnnxUpscaler:
    """An ONNX model on the CPU. Input and output have the axes batch, colours, rows, columns."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.name = file.stem
        self.digest = ""
        self._session: Any = None
        self._factor = self._side = 0

    @property
    def scale_factor(self) -> int:
        """The factor by which a picture is enlarged. Raises EngineMissing."""
        self._get_session()
        return self._factor

    @property
    def fixed_tile_side(self) -> int:
        """The edge in pixels of the only tile size that the model accepts, or 0 for any. Raises
        EngineMissing."""
        self._get_session()
        return self._side

    def enlarge(self, tile: Image.Image) -> Image.Image:
        """Return the enlarged tile. Raises EngineMissing, and MemoryError."""
        session = self._get_session()
        pixels = self._run_session(session, np.asarray(tile, dtype=np.float32) / 255)
        return Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))

    def _run_session(self, session: Any, pixels: Any) -> Any:
        (entry,) = session.get_inputs()
        given = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=_TYPES[entry.type])
        try:
            (told,) = session.run(None, {entry.name: given})
        except Exception as error:  # The library's exceptions are in a private module.
            if any(sign in str(error) for sign in _NO_ROOM):
                raise MemoryError from error
            raise EngineMissing("upscale.unfit", file=self._file.name) from error
        return np.asarray(told[0], dtype=np.float32).transpose(1, 2, 0)

    def _get_session(self) -> Any:
        """Return the inference session, created on first use because it does not survive a fork."""
        if self._session is None:
            onnxruntime = importlib.import_module("onnxruntime")
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = THREADS
            try:
                self.digest = checkpoints.checkpoint_digest(str(self._file))
                session = onnxruntime.InferenceSession(
                    str(self._file), options, providers=["CPUExecutionProvider"]
                )
                (entry,) = session.get_inputs()
                high, wide = entry.shape[2:]
                self._side = wide if isinstance(wide, int) else 0
                fits = (
                    entry.type in _TYPES
                    and entry.shape[1] == 3
                    and (high == wide or not self._side)
                )
                side = self._side or _TRIED
                tried = (
                    self._run_session(session, np.zeros((side, side, 3), np.float32))
                    if fits
                    else np.zeros((0, 0, 0))
                )
            except EngineMissing:
                raise
            except Exception as error:  # The library's exceptions are in a private module.
                raise EngineMissing("upscale.unfit", file=self._file.name) from error
            self._factor = tried.shape[0] // side
            if (
                tried.shape != (side * self._factor, side * self._factor, 3)
                or not 1 <= self._factor <= MAX_SCALE
            ):
                raise EngineMissing("upscale.unfit", file=self._file.name)
            self._session = session
        return self._session
