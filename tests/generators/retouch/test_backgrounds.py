"""Background replacement with a small test model, run by the library that runs the real ones."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from foundation.errors import BadInput
from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.contract.engines import EngineMissing
from generators.retouch import backgrounds
from generators.retouch.backgrounds import BLURRED_BACKGROUND, BackgroundRemover
from generators.retouch.finish import CopyFinish, apply_finish
from tests.generators.mask_models import write_mask_model

BLUE = (20, 40, 120)


def disc(size: tuple[int, int] = (200, 160)) -> Image.Image:
    """Return a light shape in the middle of a dark striped picture."""
    image = Image.new("RGB", size, (10, 10, 10))
    pen = ImageDraw.Draw(image)
    for left in range(0, size[0], 8):
        pen.line([(left, 0), (left, size[1])], fill=(60, 60, 60), width=2)
    pen.ellipse(
        [size[0] * 0.35, size[1] * 0.3, size[0] * 0.65, size[1] * 0.7], fill=(250, 250, 250)
    )
    return image


def cutter(file: Path, family: str = "u2net") -> BackgroundRemover:
    found = registry.load_background_remover(
        GeneratorsSettings(cutout_model=str(file), cutout_family=family)
    )
    assert found is not None
    return found


def test_colour_replaces_the_background_and_keeps_the_subject(tmp_path: Path) -> None:
    found = backgrounds.replace_background(
        disc(), "#142878", cutter(write_mask_model(tmp_path / "m.onnx", above=0.5))
    )
    assert (found.size, found.mode) == ((200, 160), "RGB")
    assert found.getpixel((2, 2)) == found.getpixel((190, 150)) == BLUE
    assert found.getpixel((100, 80)) == (250, 250, 250)


def test_blur_affects_the_background_only(tmp_path: Path) -> None:
    before, found = disc((400, 320)), CopyFinish(background=BLURRED_BACKGROUND)
    after = apply_finish(before, found, cutter(write_mask_model(tmp_path / "m.onnx", above=0.5)))
    behind = (slice(240, 320), slice(280, 400))
    assert np.asarray(after)[behind].std() < 0.5 * np.asarray(before)[behind].std()
    middle = [after.getpixel((200, 160)), before.getpixel((200, 160))]
    assert middle[0] == middle[1]


@pytest.mark.parametrize(
    ("family", "share"), [("u2net", 0.449), ("isnet", 0.5), ("birefnet", 0.449)]
)
def test_each_family_normalizes_pixels_as_in_training(
    tmp_path: Path, family: str, share: float
) -> None:
    ramp = Image.fromarray(np.tile(np.linspace(0, 255, 320).astype(np.uint8), (40, 1))).convert(
        "RGB"
    )
    mask = cutter(write_mask_model(tmp_path / "m.onnx", edge=320, above=0.0), family).subject_mask(
        ramp
    )
    first = int(np.argmax(np.asarray(mask)[20] > 127))
    assert first / 320 == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(("family", "edge"), [("u2net", 320), ("isnet", 1024)])
def test_model_of_any_size_uses_its_familys_size(tmp_path: Path, family: str, edge: int) -> None:
    fine = disc((1600, 1200))
    by_family = cutter(
        write_mask_model(tmp_path / "m.onnx", edge="open", above=0.3), family
    ).subject_mask(fine)
    fixed, other = (
        cutter(write_mask_model(tmp_path / f"{side}.onnx", edge=side, above=0.3), family)
        for side in (edge, 200)
    )
    assert by_family.size == (1600, 1200)
    assert by_family.tobytes() == fixed.subject_mask(fine).tobytes()
    assert by_family.tobytes() != other.subject_mask(fine).tobytes()


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_picture_of_one_colour_has_no_subject(tmp_path: Path, shade: int) -> None:
    made = cutter(write_mask_model(tmp_path / "m.onnx"))
    with pytest.raises(BadInput, match=r"cutout\.nothing"):
        made.subject_mask(Image.new("RGB", (64, 64), (shade, shade, shade)))


def test_speck_is_no_subject(tmp_path: Path) -> None:
    image = Image.new("RGB", (320, 320))
    image.paste((255, 255, 255), (0, 0, 10, 10))
    with pytest.raises(BadInput, match=r"cutout\.nothing"):
        cutter(write_mask_model(tmp_path / "m.onnx", edge=320, above=0.5)).subject_mask(image)


def test_missing_or_unusable_model_is_reported(tmp_path: Path) -> None:
    assert registry.load_background_remover(GeneratorsSettings()) is None
    with pytest.raises(EngineMissing, match=r"cutout\.no_model"):
        apply_finish(disc(), CopyFinish(background="#ffffff"))
    with pytest.raises(EngineMissing, match=r"cutout\.no_file"):
        cutter(tmp_path / "none.onnx").check()
    odd = tmp_path / "odd.onnx"
    odd.write_bytes(b"no model")
    for unfit in (odd, write_mask_model(tmp_path / "four.onnx", channels=4)):
        with pytest.raises(EngineMissing, match=r"cutout\.unfit"):
            cutter(unfit).check()


@pytest.mark.parametrize(
    "wrong", ["white", "#fff", "#FFFFFF", "blurred ", "url(x)", "#12345g", "#ffffff\n"]
)
def test_invalid_background_is_refused(wrong: str) -> None:
    with pytest.raises(BadInput, match=r"cutout\.bad_background"):
        CopyFinish(background=wrong)


def test_colour_background_is_unchanged_by_enhancement(tmp_path: Path) -> None:
    made = cutter(write_mask_model(tmp_path / "m.onnx", above=0.5))
    found = apply_finish(
        disc(), CopyFinish(strength=100, background="#142878", form="square"), made
    )
    assert found.getpixel((1, 1)) == BLUE
    assert CopyFinish.from_json(CopyFinish(background=BLURRED_BACKGROUND).to_json()) == CopyFinish(
        background=BLURRED_BACKGROUND
    )
