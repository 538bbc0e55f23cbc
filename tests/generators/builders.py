"""Valid jobs and pictures for the tests of the generators, changed by keyword."""

import importlib.util
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generators.contract.engines import ImageJob, PromptMessage, TextJob
from generators.local_models.model_folders import PACKAGES

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"text": {"type": "string", "minLength": 1, "maxLength": 200}},
    "required": ["text"],
    "additionalProperties": False,
}


def an_image_job(**changes: Any) -> ImageJob:
    given: dict[str, Any] = {
        "prompt": "beach at sunset",
        "seed": 7,
        "width": 160,
        "height": 120,
        "steps": 2,
    }
    return ImageJob(**{**given, **changes})


def a_text_job(**changes: Any) -> TextJob:
    given: dict[str, Any] = {
        "system": "You write captions.",
        "turns": (PromptMessage("user", "A beach."),),
        "seed": 3,
    }
    return TextJob(**{**given, **changes})


def a_picture(width: int = 96, height: int = 64, mode: str = "RGB", seed: int = 1) -> Image.Image:
    """Return a smooth random picture that hashes and encoders can work with."""
    rng = np.random.default_rng(seed)
    channels = len(Image.new(mode, (1, 1)).getbands())
    small = rng.integers(0, 256, (6, 8, channels), dtype=np.uint8)
    image = Image.fromarray(small[:, :, 0] if channels == 1 else small, mode)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def needs_diffusion() -> None:
    """Skip the test if torch is not installed; fail instead if GREENROOM_REQUIRE_DIFFUSION is 1."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing and os.environ.get("GREENROOM_REQUIRE_DIFFUSION") == "1":
        pytest.fail(
            f"{missing[0]} is not installed, and GREENROOM_REQUIRE_DIFFUSION forbids skipping "
        )
    if missing:
        pytest.skip(f"{missing[0]} is not installed (extra: diffusion)", allow_module_level=True)


def photographs() -> list[Path]:
    """Return the real photographs under GREENROOM_SHARED or next to the checkout; skip the test if
    there are none."""
    shared = Path(os.environ.get("GREENROOM_SHARED", Path(__file__).parents[3] / "shared"))
    found = sorted(
        path for path in (shared / "data" / "photos").glob("*") if path.suffix in (".jpg", ".png")
    )
    if not found:
        pytest.skip(f"no real photographs under {shared}/data/photos; set GREENROOM_SHARED")
    return found
