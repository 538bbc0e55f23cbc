"""Subjects told from backgrounds by a model in an ONNX file, as the project rembg publishes them
(https://github.com/danielgatis/rembg). None comes along.

Each family wants its pixels prepared in its own way, which nothing in the file says: it is named in
the settings.
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
"""Of a picture: a subject smaller or larger than that is none."""

SURE = 64
"""From which grey level on a pixel of the mask counts as subject, when it is asked how large that
is."""

THREADS = 2

Grid = NDArray[np.float32]


@dataclass(frozen=True)
class MaskModelFamily:
    """How pixels from 0 to 1 are prepared, and whether what comes out still has to go through a
    sigmoid; `edge` is the picture's side where the file leaves it open. Each from the training code
    that its line names."""

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
    """The model that the settings name, loaded when first used; None without one."""
    if not settings.cutout_model:
        return None
    return OnnxBackgroundRemover(
        Path(settings.cutout_model), MASK_MODEL_FAMILIES[settings.cutout_family]
    )


class OnnxBackgroundRemover:
    """A model in an ONNX file: a picture goes in, how much each pixel is subject comes out."""

    def __init__(self, file: Path, family: MaskModelFamily) -> None:
        self._file = file
        self._family = family
        self._session: Any = None

    def subject_mask(self, image: Image.Image) -> Image.Image:
        """Where the subject is; raises BadInput where there is none, EngineMissing."""
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
        except (
            Exception
        ) as error:  # the library raises its own kinds, of one module that is not public
            raise EngineMissing("cutout.unfit", file=self._file.name) from error
        return _mask_from_output(told, sigmoid=self._family.sigmoid).resize(
            image.size, Image.Resampling.BICUBIC
        )

    def check(self) -> None:
        """Load it. Raises EngineMissing where it cannot be used."""
        self._get_session()

    def _normalize_input(self, small: Image.Image) -> Grid:
        pixels = np.asarray(small, dtype=np.float32)
        unit = pixels / max(float(pixels.max()), 1e-6)
        found = (unit - np.array(self._family.mean)) / np.array(self._family.deviation)
        return np.ascontiguousarray(found.transpose(2, 0, 1)[None], dtype=np.float32)

    def _get_session(self) -> Any:
        """The session, made when first asked for: it does not survive a fork."""
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
            except Exception as error:  # as above
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
    """What a model told, from black to white. Raises BadInput where it tells no subject from a
    background."""
    found = 1 / (1 + np.exp(-told)) if sigmoid else told
    low = float(found.min())
    high = float(found.max())
    if not np.isfinite(found).all() or high - low < 1e-3:
        raise BadInput("cutout.nothing")
    levels = ((found - low) / (high - low) * 255).round().astype(np.uint8)
    if not MIN_SUBJECT_SHARE < float((levels >= SURE).mean()) < MAX_SUBJECT_SHARE:
        raise BadInput("cutout.nothing")
    return Image.fromarray(levels)
