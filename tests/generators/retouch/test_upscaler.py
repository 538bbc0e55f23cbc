"""Upscaling by a model: no seams, bounded memory, progress per tile, and refusal of files that are
no model."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from foundation.errors import BadInput
from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.contract.engines import EngineError, EngineMissing, JobTooLarge
from generators.media.pictures import POST_PROFILE
from generators.retouch.finish import CopyFinish, apply_finish
from generators.retouch.upscaler import TILES, Upscaler, tile_placements, upscale_picture
from tests.generators import upscaler_models
from tests.generators.builders import a_picture, needs_diffusion

TWICE = 2


def model(file: Path) -> Upscaler:
    found = registry.load_upscaler(GeneratorsSettings(upscale_model=str(file)))
    assert found is not None
    return found


def gradient(width: int = 500, height: int = 430) -> Image.Image:
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([across, down, (across + down) / 2], axis=2).astype(np.uint8))


class Nearsighted:
    """A model that doubles pictures and darkens them towards the edge of its input, as networks err
    there."""

    name, digest, fixed_tile_side, scale_factor = "nearsighted", "-", 0, TWICE

    def __init__(self, fits: int = 10_000, rim: int = 20) -> None:
        self.fits, self.rim = fits, rim
        self.shown: list[tuple[int, int]] = []

    def enlarge(self, tile: Image.Image) -> Image.Image:
        self.shown.append(tile.size)
        if max(tile.size) > self.fits:
            raise RuntimeError("CUDA out of memory")
        made = tile.resize((tile.width * TWICE, tile.height * TWICE), Image.Resampling.BICUBIC)
        inside = Image.new("L", made.size, 0)
        inside.paste(255, (self.rim, self.rim, made.width - self.rim, made.height - self.rim))
        return Image.composite(
            made, made.point(lambda level: level * 0.9), inside.filter(ImageFilter.BoxBlur(3))
        )


def steepest(image: Image.Image, edge: int = 30) -> int:
    """Return the largest step between neighbouring pixels, without the rim."""
    pixels = np.asarray(image, dtype=int)[edge:-edge, edge:-edge]
    return max(int(np.abs(np.diff(pixels, axis=axis)).max()) for axis in (0, 1))


def test_gradient_has_no_visible_seam() -> None:
    found = upscale_picture(gradient(), Nearsighted())
    assert found.size == (1000, 860)
    assert steepest(found) <= 2, "a gradient has steps of one, plus one by rounding"
    far = upscale_picture(gradient(), Nearsighted(rim=100))
    assert steepest(far, edge=120) > 2, (
        "this test detects a seam if a model errs further in than the margin"
    )


def test_tiles_cover_the_picture_within_the_requested_size() -> None:
    for size in ((1, 1), (384, 384), (385, 96), (1000, 777)):
        known = np.zeros((size[1], size[0]), bool)
        for one in tile_placements(size, 384):
            assert max(one.right - one.left, one.bottom - one.top) <= 384
            known[one.top : one.bottom, one.left : one.right] = True
        assert known.all()


def test_low_memory_shrinks_tiles_until_an_error() -> None:
    small = Nearsighted(fits=200)
    heard: list[tuple[int, int]] = []
    found = upscale_picture(gradient(), small, lambda *at: heard.append(at))
    assert np.array_equal(
        np.asarray(found), np.asarray(upscale_picture(gradient(), Nearsighted(fits=192)))
    )
    assert max(small.shown[1]) == TILES[1]
    assert heard[-1][0] == heard[-1][1] == len(list(tile_placements((500, 430), TILES[1])))
    with pytest.raises(JobTooLarge, match=r"upscale\.memory"):
        upscale_picture(gradient(), Nearsighted(fits=10))


def test_raising_progress_stops_at_that_tile() -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, _total: int) -> None:
        if done == 1:
            raise Stopped

    shown = Nearsighted()
    with pytest.raises(Stopped):
        upscale_picture(gradient(), shown, stop)
    assert len(shown.shown) == 1


def test_other_faults_are_not_treated_as_low_memory() -> None:
    class Broken(Nearsighted):
        def enlarge(self, tile: Image.Image) -> Image.Image:
            raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        upscale_picture(gradient(), Broken())


@pytest.mark.parametrize(("doublings", "old"), [(1, False), (2, False), (2, True), (0, True)])
def test_esrgan_loads_under_either_naming(doublings: int, old: bool, tmp_path: Path) -> None:
    needs_diffusion()
    file = upscaler_models.write_esrgan_model(
        tmp_path / "4x-fine.safetensors", doublings=doublings, old=old
    )
    found, picture = model(file), a_picture(50, 37)
    made = upscale_picture(picture, found)
    assert (found.name, found.scale_factor) == ("4x-fine", 2**doublings)
    assert made.size == (50 * found.scale_factor, 37 * found.scale_factor)
    assert found.digest == hashlib.sha256(file.read_bytes()).hexdigest()
    assert np.array_equal(np.asarray(made), np.asarray(upscale_picture(picture, model(file)))), (
        "the same each time"
    )


def test_both_namings_give_the_same_network(tmp_path: Path) -> None:
    needs_diffusion()
    files = [
        upscaler_models.write_esrgan_model(tmp_path / f"{old}.safetensors", old=old)
        for old in (False, True)
    ]
    first, second = (np.asarray(upscale_picture(a_picture(40, 40), model(file))) for file in files)
    assert np.array_equal(first, second)


def test_tiled_result_matches_the_whole_picture(tmp_path: Path) -> None:
    needs_diffusion()
    found = model(
        upscaler_models.write_esrgan_model(tmp_path / "fine.safetensors", blocks=1)
    )  # its receptive field is within the context
    whole = np.asarray(upscale_picture(gradient(260, 200), found), dtype=int)

    class Tight:
        name, digest, fixed_tile_side, scale_factor = "fine", "-", 0, found.scale_factor

        def enlarge(self, tile: Image.Image) -> Image.Image:
            if max(tile.size) > TILES[1]:
                raise MemoryError
            return found.enlarge(tile)

    assert (
        np.abs(np.asarray(upscale_picture(gradient(260, 200), Tight()), dtype=int) - whole).max()
        <= 1
    )


def test_onnx_model_works_with_any_size_or_a_fixed_one(tmp_path: Path) -> None:
    picture = a_picture(150, 90)
    wanted = np.asarray(picture.resize((300, 180), Image.Resampling.NEAREST), dtype=int)
    for side in ("open", 64, 200):
        found = model(upscaler_models.write_onnx_model(tmp_path / f"{side}.onnx", side=side))
        assert found.scale_factor == TWICE
        assert np.abs(np.asarray(upscale_picture(picture, found), dtype=int) - wanted).max() <= 1


def test_result_is_limited_to_the_stored_size(tmp_path: Path) -> None:
    found = model(upscaler_models.write_onnx_model(tmp_path / "m.onnx", factor=4))
    assert upscale_picture(a_picture(1000, 500), found).size == (
        POST_PROFILE.max_edge,
        POST_PROFILE.max_edge // 2,
    )
    with pytest.raises(BadInput, match=r"upscale\.too_large"):
        upscale_picture(Image.new("RGB", (POST_PROFILE.max_edge, 8)), found)


def _text(file: Path) -> Path:
    file.write_bytes(b"no model")
    return file


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda root: root / "none.onnx", "no_file"),
        (lambda root: _text(root / "m.pth"), "checkpoint_pickle"),
        (lambda root: _text(root / "m.onnx"), "unfit"),
        (lambda root: _text(root / "m.safetensors"), "unfit"),
        (lambda root: _text(root / "m.txt"), "unfit"),
        (lambda root: upscaler_models.write_onnx_model(root / "m.onnx", colours=1), "unfit"),
        (lambda root: upscaler_models.write_onnx_model(root / "m.onnx", factor=16), "unfit"),
    ],
)
def test_file_that_is_no_model_is_refused(
    make: Callable[[Path], Path], code: str, tmp_path: Path
) -> None:
    needs_diffusion()
    with pytest.raises(EngineError, match=code):
        assert model(make(tmp_path)).scale_factor


def test_copy_is_upscaled_or_reports_a_missing_model(tmp_path: Path) -> None:
    picture, found = a_picture(96, 64), model(upscaler_models.write_onnx_model(tmp_path / "m.onnx"))
    assert apply_finish(picture, CopyFinish(finer=True), upscaler=found).size == (192, 128)
    with pytest.raises(EngineMissing, match="no_model"):
        apply_finish(picture, CopyFinish(finer=True))
    with pytest.raises(BadInput, match="both"):
        CopyFinish(twice=True, finer=True)
    assert CopyFinish(finer=True).to_json() == {"finer": True}
    assert registry.load_upscaler(GeneratorsSettings()) is None
