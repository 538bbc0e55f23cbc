"""Models that make pictures larger, in a file of one's own: the network of ESRGAN in
`.safetensors`, run by torch, or any in ONNX that takes and gives colours from 0 to 1. None comes
along.
"""

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
"""Pixels of the side of the tile by which a model shows how much larger it makes pictures."""

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_NO_ROOM = ("allocate", "bad_alloc", "out of memory")


def load_engine(settings: GeneratorsSettings) -> Upscaler | None:
    """The model that the settings name, loaded when first used; None without one. Raises
    EngineMissing."""
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
    """A model in an ONNX file, run on the processor: batch, colours, rows and columns in and
    out."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.name = file.stem
        self.digest = ""
        self._session: Any = None
        self._factor = self._side = 0

    @property
    def scale_factor(self) -> int:
        """How many times larger a picture becomes. Raises EngineMissing."""
        self._get_session()
        return self._factor

    @property
    def fixed_tile_side(self) -> int:
        """The side of the only tile it takes, 0 for any. Raises EngineMissing."""
        self._get_session()
        return self._side

    def enlarge(self, tile: Image.Image) -> Image.Image:
        """A tile made larger. Raises EngineMissing, and MemoryError."""
        session = self._get_session()
        pixels = self._run_session(session, np.asarray(tile, dtype=np.float32) / 255)
        return Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))

    def _run_session(self, session: Any, pixels: Any) -> Any:
        (entry,) = session.get_inputs()
        given = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=_TYPES[entry.type])
        try:
            (told,) = session.run(None, {entry.name: given})
        except (
            Exception
        ) as error:  # the library raises its own kinds, of one module that is not public
            if any(sign in str(error) for sign in _NO_ROOM):
                raise MemoryError from error
            raise EngineMissing("upscale.unfit", file=self._file.name) from error
        return np.asarray(told[0], dtype=np.float32).transpose(1, 2, 0)

    def _get_session(self) -> Any:
        """The session, made when first asked for: it does not survive a fork."""
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
            except Exception as error:  # as above
                raise EngineMissing("upscale.unfit", file=self._file.name) from error
            self._factor = tried.shape[0] // side
            if (
                tried.shape != (side * self._factor, side * self._factor, 3)
                or not 1 <= self._factor <= MAX_SCALE
            ):
                raise EngineMissing("upscale.unfit", file=self._file.name)
            self._session = session
        return self._session
