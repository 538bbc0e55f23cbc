"""Background removal by an ONNX model, such as those published by rembg
(https://github.com/danielgatis/rembg). No model is bundled.

Each family of models needs a different normalization of pixels, which the file does not contain:
the settings name the family.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from foundation.errors import BadInput
from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import EngineMissing

MIN_SUBJECT_SHARE = 0.005
MAX_SUBJECT_SHARE = 0.995
"""Minimum and maximum share of a picture that a subject can cover; outside this range, there is no
subject."""

SURE = 64
"""Grey level from which a pixel of the mask counts towards the area of the subject."""

THREADS = 2

Grid = NDArray[np.float32]


@dataclass(frozen=True)
class MaskModelFamily:
    """The normalization of pixels from 0 to 1, and whether the output needs a sigmoid. `edge` is
    the input size if the file does not specify one.

    The values come from the training code linked at each entry.
    """

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    edge: int
    sigmoid: bool = False


_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

MASK_MODEL_FAMILIES = {
    "u2net": MaskModelFamily(*_IMAGENET, 320),  # https://github.com/xuebinqin/U-2-Net, and silueta
    "isnet": MaskModelFamily(
        (0.5, 0.5, 0.5), (1.0, 1.0, 1.0), 1024
    ),  # https://github.com/xuebinqin/DIS
    "birefnet": MaskModelFamily(
        *_IMAGENET, 1024, sigmoid=True
    ),  # https://github.com/ZhengPeng7/BiRefNet
}


def load_engine(settings: GeneratorsSettings) -> "OnnxBackgroundRemover | None":
    """Return the configured model, loaded on first use, or None."""
    if not settings.cutout_model:
        return None
    return OnnxBackgroundRemover(
        Path(settings.cutout_model), MASK_MODEL_FAMILIES[settings.cutout_family]
    )


class OnnxBackgroundRemover:
    """An ONNX model that returns the probability of each pixel to belong to the subject."""

    def __init__(self, file: Path, family: MaskModelFamily) -> None:
        self._file = file
        self._family = family
        self._session: Any = None

    def subject_mask(self, image: Image.Image) -> Image.Image:
        """Return the mask of the subject. Raises BadInput if there is none, EngineMissing if the
        model cannot be used."""
        session = self._get_session()
        (entry,) = session.get_inputs()
        high, wide = (
            side if isinstance(side, int) else self._family.edge for side in entry.shape[2:]
        )
        pixels = self._normalize_input(image.resize((wide, high), Image.Resampling.LANCZOS))
        try:
            told = np.asarray(session.run(None, {entry.name: pixels})[0], dtype=np.float32).reshape(
                -1, high, wide
            )[0]
        except Exception as error:  # The library's exceptions are in a private module.
            raise EngineMissing("cutout.unfit", file=self._file.name) from error
        return _mask_from_output(told, sigmoid=self._family.sigmoid).resize(
            image.size, Image.Resampling.BICUBIC
        )

    def check(self) -> None:
        """Load the model. Raises EngineMissing if it cannot be used."""
        self._get_session()

    def _normalize_input(self, small: Image.Image) -> Grid:
        pixels = np.asarray(small, dtype=np.float32)
        unit = pixels / max(float(pixels.max()), 1e-6)
        found = (unit - np.array(self._family.mean)) / np.array(self._family.deviation)
        return np.ascontiguousarray(found.transpose(2, 0, 1)[None], dtype=np.float32)

    def _get_session(self) -> Any:
        """Return the inference session, created on first use because it does not survive a fork."""
        if self._session is None:
            if not self._file.is_file():
                raise EngineMissing("cutout.no_file", file=str(self._file))
            onnxruntime = importlib.import_module("onnxruntime")
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = THREADS
            try:
                session = onnxruntime.InferenceSession(
                    str(self._file), options, providers=["CPUExecutionProvider"]
                )
            except Exception as error:  # The library's exceptions are in a private module.
                raise EngineMissing("cutout.unfit", file=self._file.name) from error
            entries = session.get_inputs()
            if (
                len(entries) != 1
                or len(entries[0].shape) != 4
                or entries[0].shape[1] not in (3, "channels")
            ):
                raise EngineMissing("cutout.unfit", file=self._file.name)
            self._session = session
        return self._session


def _mask_from_output(told: Grid, *, sigmoid: bool) -> Image.Image:
    """Return the model's output as a mask from black to white. Raises BadInput if the output does
    not separate a subject from a background."""
    found = 1 / (1 + np.exp(-told)) if sigmoid else told
    low = float(found.min())
    high = float(found.max())
    if not np.isfinite(found).all() or high - low < 1e-3:
        raise BadInput("cutout.nothing")
    levels = ((found - low) / (high - low) * 255).round().astype(np.uint8)
    if not MIN_SUBJECT_SHARE < float((levels >= SURE).mean()) < MAX_SUBJECT_SHARE:
        raise BadInput("cutout.nothing")
    return Image.fromarray(levels)
