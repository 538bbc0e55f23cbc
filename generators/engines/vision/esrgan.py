"""The ESRGAN network, built from its weights alone: nested residual blocks, followed by successive
doublings of the size.

Source: Wang et al., ESRGAN, https://arxiv.org/abs/1809.00219, and its code,
https://github.com/xinntao/ESRGAN. Weights are named as in the first version of that code
(`model.1.sub.0.RDB1.conv1.0`) or in the second (`body.0.rdb1.conv1`).
"""

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from generators.contract.engines import EngineMissing
from generators.local_models import checkpoints, device

SLOPE = 0.2
SHARE = 0.2
"""Slope of the leaky ReLU, and the scale of a residual."""

DENSE = 5
COLOURS = 3
_WRAPS = ("params_ema.", "params.", "module.")


class EsrganUpscaler:
    """An ESRGAN upscaler whose weights are loaded from a file on first use."""

    fixed_tile_side = 0

    def __init__(self, file: Path) -> None:
        self._file = file
        self.name = file.stem
        self.digest = ""
        self._weights: dict[str, Any] = {}
        self._place: device.ComputeDevice | None = None
        self._blocks = self._doublings = 0
        self._unshuffled = 1

    @property
    def scale_factor(self) -> int:
        """The factor by which a picture is enlarged. Raises EngineMissing."""
        self._load_weights()
        return int(2**self._doublings // self._unshuffled)

    def enlarge(self, tile: Image.Image) -> Image.Image:
        """Return the enlarged tile. Raises EngineMissing, and torch's RuntimeError if out of
        memory."""
        torch = importlib.import_module("torch")
        place = self._load_weights()
        beyond = [(0, -side % self._unshuffled) for side in (tile.height, tile.width)]
        given = np.pad(np.asarray(tile), (*beyond, (0, 0)), mode="edge")
        with torch.inference_mode():
            pixels = torch.from_numpy(given.copy()).to(place.kind).permute(2, 0, 1)[None]
            made = self._run_network(torch, pixels.to(getattr(torch, place.dtype)) / 255)
            shown = (
                (made[0].float().clamp(0, 1) * 255)
                .round()
                .to(torch.uint8)
                .permute(1, 2, 0)
                .cpu()
                .numpy()
            )
        return Image.fromarray(
            shown[: tile.height * self.scale_factor, : tile.width * self.scale_factor]
        )

    def _load_weights(self) -> device.ComputeDevice:
        if self._place is None:
            try:
                self.digest = checkpoints.checkpoint_digest(str(self._file))
                self._place = place = device.choose_device()
                found = importlib.import_module("safetensors.torch").load_file(self._file)
                dtype = getattr(importlib.import_module("torch"), place.dtype)
                weights = {
                    name: each.to(place.kind, dtype)
                    for name, each in normalized_weights(found).items()
                }
                self._blocks = 1 + max(
                    int(name.split(".")[1]) for name in weights if name.startswith("body.")
                )
                self._doublings = sum(
                    name.startswith("up.") and name.endswith(".weight") for name in weights
                )
                self._unshuffled = {3: 1, 12: 2, 48: 4}[weights["first.weight"].shape[1]]
                self._weights = weights
                if (
                    weights["last.weight"].shape[0] != COLOURS
                    or 2**self._doublings < self._unshuffled
                ):
                    raise ValueError("not from colours to colours")
                zeros = np.zeros((8, 8, COLOURS), np.uint8)
                # A trial run, so that a missing weight or a wrong shape is reported now.
                self.enlarge(Image.fromarray(zeros))
            except Exception as error:
                self._place = None
                if device.is_out_of_memory(error):
                    raise
                raise EngineMissing("upscale.unfit", file=self._file.name) from error
        return self._place

    def _run_network(self, torch: Any, pixels: Any) -> Any:
        functional = torch.nn.functional

        def conv(name: str, given: Any) -> Any:
            return functional.conv2d(
                given, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], padding=1
            )

        def bent(given: Any) -> Any:
            return functional.leaky_relu(given, SLOPE)

        def dense(name: str, given: Any) -> Any:
            known = [given]
            for at in range(1, DENSE):
                known.append(bent(conv(f"{name}.conv{at}", torch.cat(known, 1))))
            return conv(f"{name}.conv{DENSE}", torch.cat(known, 1)) * SHARE + given

        if self._unshuffled > 1:
            pixels = functional.pixel_unshuffle(pixels, self._unshuffled)
        found = first = conv("first", pixels)
        for at in range(self._blocks):
            before = found
            for part in (1, 2, 3):
                found = dense(f"body.{at}.rdb{part}", found)
            found = found * SHARE + before
        found = first + conv("trunk", found)
        for at in range(self._doublings):
            found = bent(
                conv(f"up.{at}", functional.interpolate(found, scale_factor=2, mode="nearest"))
            )
        return conv("last", bent(conv("hr", found)))


def normalized_weights(state: dict[str, Any]) -> dict[str, Any]:
    """Return the weights of either version under uniform names. Raises ValueError or KeyError for
    another network."""
    plain = {_strip_wrappers(name): each for name, each in state.items()}
    if "conv_first.weight" in plain:
        names = {"conv_first": "first", "conv_body": "trunk", "conv_hr": "hr", "conv_last": "last"}
        names |= {"trunk_conv": "trunk", "HRconv": "hr"}
        ups = {
            name.rpartition(".")[0]
            for name in plain
            if re.fullmatch(r"(conv_up|upconv)\d\.weight", name)
        }
        names |= {name: f"up.{at}" for at, name in enumerate(sorted(ups))}
        return {_name_from_new_layout(name, names): each for name, each in plain.items()}
    if "model.0.weight" not in plain:
        raise ValueError("another network")
    tops = sorted(
        {int(found[1]) for name in plain if (found := re.fullmatch(r"model\.(\d+)\.weight", name))}
    )
    *doubling, hr, last = tops[1:]
    places = {
        0: "first",
        hr: "hr",
        last: "last",
        **{top: f"up.{at}" for at, top in enumerate(doubling)},
    }
    return {_name_from_old_layout(name, places): each for name, each in plain.items()}


def _strip_wrappers(name: str) -> str:
    for wrap in _WRAPS:
        name = name.removeprefix(wrap)
    return name


def _name_from_new_layout(name: str, names: dict[str, str]) -> str:
    where, _, kind = name.rpartition(".")
    part = re.fullmatch(r"(?:body|RRDB_trunk)\.(\d+)\.(?:rdb|RDB)(\d)\.(conv\d)", where)
    return (
        f"body.{part[1]}.rdb{part[2]}.{part[3]}.{kind}"
        if part
        else f"{names.get(where, where)}.{kind}"
    )


def _name_from_old_layout(name: str, places: dict[int, str]) -> str:
    where, _, kind = name.rpartition(".")
    if part := re.fullmatch(r"model\.1\.sub\.(\d+)\.RDB(\d)\.(conv\d)\.0", where):
        return f"body.{part[1]}.rdb{part[2]}.{part[3]}.{kind}"
    if re.fullmatch(r"model\.1\.sub\.\d+", where):
        return f"trunk.{kind}"
    return f"{places[int(where.removeprefix('model.'))]}.{kind}"
