"""The real diffusers code on tiny folders of random weights: every layout, every input, and no
state left over."""

import importlib
import io
import json
import shutil
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from foundation.ids import uuid7
from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.contract.engines import (
    EngineMissing,
    GeneratedPicture,
    ImageJob,
    JobTooLarge,
    Lora,
    OriginLabel,
)
from generators.engines.images import input_fitting
from generators.engines.images.diffusion import DiffusionEngine
from generators.local_models.device import MEBIBYTE, choose_device
from generators.local_models.model_folders import ModelLibrary
from generators.retouch import masks
from generators.retouch.masks import MaskRegion
from tests.generators import tiny_models as tiny
from tests.generators.builders import a_picture, an_image_job, encoded, needs_diffusion

pytestmark = pytest.mark.heavy

needs_diffusion()

SMALL = {"width": 64, "height": 64}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models, the LoRAs `one` and `xl`, a reference adapter and a pose adapter."""
    root = tmp_path_factory.mktemp("models")
    one = tiny.sd15(root / "models" / "one")
    tiny.sd15(root / "models" / "two", seed=5)
    tiny.sdxl(root / "models" / "xl")
    tiny.sd3(root / "models" / "three")
    tiny.flux(root / "models" / "flux")
    tiny.lora(root / "loras" / "warm.safetensors", one)
    tiny.lora(root / "loras" / "wide.safetensors", root / "models" / "xl")
    tiny.lora(root / "loras" / "cold.v2.safetensors", one, seed=9)
    tiny.references(root / "references", one)
    tiny.poses(root / "poses", one)
    return root


@pytest.fixture(scope="module")
def settings(folders: Path) -> Callable[..., GeneratorsSettings]:
    def make(**changes: object) -> GeneratorsSettings:
        given: dict[str, object] = {
            "diffusion_folder": str(folders / "models" / "one"),
            "diffusion_models": str(folders / "models"),
            "diffusion_loras": str(folders / "loras"),
            "diffusion_references": str(folders / "references"),
            "diffusion_poses": str(folders / "poses"),
        }
        # strings, as in environment variables
        return GeneratorsSettings(**{**given, **changes})  # type: ignore[arg-type]  # see above

    return make


@pytest.fixture(scope="module")
def engine(settings: Callable[..., GeneratorsSettings]) -> Iterator[DiffusionEngine]:
    made = DiffusionEngine(settings())
    yield made
    made.pipelines.release_all()


def job(**changes: object) -> ImageJob:
    return an_image_job(**{**SMALL, **changes})


def photo(seed: int = 1) -> bytes:
    return encoded(a_picture(64, 64, seed=seed), "PNG")


@pytest.mark.parametrize("model", ["one", "xl", "three", "flux"])
def test_every_layout_follows_prompt_and_seed(engine: DiffusionEngine, model: str) -> None:
    first = engine.draw(job(model=model))
    assert (first.model, first.label, first.width, first.height) == (
        model,
        OriginLabel.DEMO,
        64,
        64,
    )
    assert Image.open(io.BytesIO(first.data)).size == (64, 64)
    assert engine.draw(job(model=model)).data == first.data
    assert engine.draw(job(model=model, seed=8)).data != first.data
    assert engine.draw(job(model=model, prompt="a forest in winter")).data != first.data


def test_size_beyond_the_model_is_drawn_smaller_and_enlarged(
    engine: DiffusionEngine,
) -> None:
    wide = engine.draw(job(width=512, height=256))
    assert (wide.width, wide.height, wide.parameters["drawn"]) == (512, 256, "88x48")
    assert Image.open(io.BytesIO(wide.data)).size == (512, 256)
    assert "drawn" not in engine.draw(job(width=72, height=64)).parameters


def pixels(picture: GeneratedPicture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.data)), dtype=int)


def test_batch_matches_single_pictures_within_rounding(engine: DiffusionEngine) -> None:
    jobs = [job(seed=seed, prompt=f"beach {'ab' * seed}") for seed in (1, 2)] + [
        job(steps=3, seed=4)
    ]
    heard: list[tuple[int, int]] = []
    together = list(engine.draw_many(jobs, lambda done, total: heard.append((done, total))))
    rounding = 1 if engine.device.dtype == "float32" else 16
    for picture, one in zip(together, jobs, strict=True):
        assert np.abs(pixels(picture) - pixels(engine.draw(one))).max() <= rounding
    assert [one.data for one in engine.draw_many(jobs)] == [one.data for one in together]
    assert heard[0] == (0, 7)
    assert heard[-1] == (7, 7)
    assert heard == sorted(heard)


def test_pictures_are_yielded_as_they_finish(engine: DiffusionEngine) -> None:
    jobs = [job(seed=1), job(seed=2, steps=3)]
    steps: list[int] = []
    made = engine.draw_many(jobs, lambda done, _total: steps.append(done))
    assert next(made).seed == 1
    assert steps[-1] == 2


def test_raising_progress_stops_at_that_step_and_the_engine_still_works(
    engine: DiffusionEngine,
) -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, _total: int) -> None:
        steps.append(done)
        if done == 2:
            raise Stopped

    before, steps = engine.draw(job(steps=4)).data, list[int]()
    with pytest.raises(Stopped):
        engine.draw(job(steps=4), stop)
    assert steps == [0, 1, 2]
    assert engine.draw(job(steps=4)).data == before


def test_loras_change_pictures_and_leave_no_state(engine: DiffusionEngine) -> None:
    bare = engine.draw(job()).data
    warm = engine.draw(job(loras=(Lora("warm"),)))
    both = engine.draw(job(loras=(Lora("warm"), Lora("cold.v2", 0.5))))
    weak = engine.draw(job(loras=(Lora("warm", 0.2),)))
    assert len({bare, warm.data, both.data, weak.data}) == 4
    assert both.parameters["loras"] == "warm:1, cold.v2:0.5"
    assert engine.draw(job(loras=(Lora("warm"),))).data == warm.data
    assert engine.draw(job()).data == bare


def test_agency_lora_takes_precedence_and_stays_private(
    engine: DiffusionEngine, folders: Path
) -> None:
    mine, theirs = uuid7().hex, uuid7().hex
    own = folders / "loras" / f"lumiere-{mine[-12:]}"
    tiny.lora(own / "warm.safetensors", folders / "models" / "one", seed=21)
    tiny.lora(own / "face.safetensors", folders / "models" / "one", seed=22)
    shared = engine.draw(job(loras=(Lora("warm"),))).data
    ours = engine.draw(job(loras=(Lora("warm", owner=mine),))).data
    assert ours != shared
    assert engine.draw(job(loras=(Lora("warm", owner=theirs),))).data == shared
    assert engine.draw(job(loras=(Lora("face", owner=mine),))).data not in {ours, shared}
    for owner in ("", theirs, "*", mine[-4:], f"{mine[:20]}{'*' * 12}"):
        with pytest.raises(EngineMissing, match="lora_missing"):
            engine.draw(job(loras=(Lora("face", owner=owner),)))
    assert engine.draw(job(loras=(Lora("warm", owner=mine),))).data == ours, (
        "loaded after others of the same name"
    )
    assert "face" not in engine.list_models()[1]


@pytest.mark.parametrize("name", ["../models/one/unet/x", "none", "", "a/b", "..", "a" * 200])
def test_names_outside_the_folders_are_refused(engine: DiffusionEngine, name: str) -> None:
    with pytest.raises(EngineMissing, match="lora_missing"):
        engine.draw(job(loras=(Lora(name),)))
    if name:
        with pytest.raises(EngineMissing, match="model_missing"):
            engine.draw(job(model=name))
    assert engine.draw(job()).data


@pytest.mark.parametrize(("model", "lora"), [("flux", "warm"), ("one", "wide"), ("xl", "warm")])
def test_lora_for_another_model_is_refused_without_lasting_state(
    engine: DiffusionEngine, model: str, lora: str
) -> None:
    """Flux's pipeline logs at most a warning and would draw the picture without the LoRA."""
    fits = () if model == "flux" else (Lora("warm" if model == "one" else "wide"),)
    before = engine.draw(job(model=model, loras=fits)).data
    with pytest.raises(EngineMissing, match="lora_unfit"):
        engine.draw(job(model=model, loras=(*fits, Lora(lora))))
    assert engine.draw(job(model=model, loras=fits)).data == before


def test_init_picture_and_mask_change_the_result(engine: DiffusionEngine) -> None:
    near = engine.draw(job(init=photo(), strength=0.5, steps=4))
    assert near.parameters["strength"] == 0.5
    assert near.data != engine.draw(job(init=photo(2), strength=0.5, steps=4)).data
    mask = Image.new("L", (64, 64))
    mask.paste(255, (32, 0, 64, 64))
    painted = engine.draw(job(init=photo(), mask=encoded(mask, "PNG"), strength=1.0, steps=4))
    assert painted.data != near.data


def test_inpainting_keeps_unmasked_pixels_exactly(folders: Path, tmp_path: Path) -> None:
    """Without pasting, the model's encoder would change every pixel of the picture."""
    folder = Path(shutil.copytree(folders / "models" / "one", tmp_path / "one"))
    (folder / "greenroom.json").write_text(
        json.dumps({"label": "drawn"})
    )  # no label across its pictures
    before, region = encoded(a_picture(400, 300), "PNG"), MaskRegion(30, 30, 60, 60)
    asked = job(
        width=96,
        height=96,
        init=before,
        mask=masks.mask_for_picture(region, before),
        strength=1.0,
        steps=4,
    )
    (painted,) = input_fitting.draw_jobs(
        DiffusionEngine(GeneratorsSettings(diffusion_folder=str(folder))), [asked]
    )
    mask = np.asarray(Image.open(io.BytesIO(asked.mask))) == 255
    old, new = np.asarray(Image.open(io.BytesIO(before)), dtype=int), pixels(painted)
    assert (old[~mask] == new[~mask]).all()
    assert (old[mask] != new[mask]).any(axis=1).mean() > 0.8


def test_references_and_poses_change_only_their_own_job(engine: DiffusionEngine) -> None:
    bare = engine.draw(job()).data
    looks = [
        engine.draw(job(references=(photo(seed),), reference_weight=1.0)).data for seed in (1, 2)
    ]
    poses = [engine.draw(job(pose=photo(seed))).data for seed in (1, 2)]
    assert len({bare, *looks, *poses}) == 5
    assert engine.draw(job()).data == bare


def test_references_combine_with_lora_and_init_picture(engine: DiffusionEngine) -> None:
    asked = {"loras": (Lora("warm"),), "init": photo(3)}
    plain = engine.draw(job(**asked)).data
    assert engine.draw(job(**asked, references=(photo(1), photo(2)))).data != plain
    assert engine.draw(job(**asked)).data == plain


@pytest.mark.parametrize("asked", [{"references": (photo(),)}, {"pose": photo()}])
@pytest.mark.parametrize("model", ["xl", "flux"])
def test_adapter_for_another_model_is_refused(
    engine: DiffusionEngine, model: str, asked: dict[str, object]
) -> None:
    before = engine.draw(job(model=model)).data
    with pytest.raises(EngineMissing, match="adapter_unfit"):
        engine.draw(job(model=model, **asked))
    assert engine.draw(job(model=model)).data == before


def test_invalid_or_conflicting_input_pictures_are_refused(engine: DiffusionEngine) -> None:
    from foundation.errors import BadInput

    with pytest.raises(BadInput):
        engine.draw(job(init=b"<svg>"))
    with pytest.raises(EngineMissing, match="cannot_both"):
        engine.draw(job(init=photo(), pose=photo()))


def test_scheduler_is_the_models_default_or_a_compatible_one(engine: DiffusionEngine) -> None:
    own, other = engine.draw(job()), engine.draw(job(scheduler="dpm++"))
    assert other.parameters["scheduler"] == "DPMSolverMultistepScheduler"
    assert other.data != own.data
    assert engine.draw(job()) == own, "the scheduler of one job does not carry over"
    for wrong in ({"scheduler": "magic"}, {"scheduler": "euler", "model": "flux"}):
        with pytest.raises(EngineMissing, match="scheduler_unknown"):
            engine.draw(job(**wrong))


def test_unconfigured_inputs_are_refused(settings: Callable[..., GeneratorsSettings]) -> None:
    bare = DiffusionEngine(
        settings(diffusion_references="", diffusion_poses="", diffusion_loras="")
    )
    assert bare.does == {"init", "mask"}
    for asked in ({"references": (photo(),)}, {"pose": photo()}, {"loras": (Lora("warm"),)}):
        with pytest.raises(EngineMissing, match="cannot_"):
            bare.draw(job(**asked))


def test_models_stay_loaded_while_they_fit(
    settings: Callable[..., GeneratorsSettings],
) -> None:
    shelf, dtype = ModelLibrary(settings()), choose_device().dtype
    size = max(shelf.find_model(name).bytes_in(dtype) for name in ("one", "two", "xl"))
    engine = DiffusionEngine(settings(diffusion_memory_mib=-(-2 * size // MEBIBYTE)))
    for name in ("one", "two", "one", "two"):
        engine.draw(job(model=name))
    assert (engine.pipelines.loads, engine.pipelines.loaded_names) == (2, ("one", "two"))
    engine.draw(job(model="one"))
    engine.draw(job(model="xl"))
    assert (engine.pipelines.loads, engine.pipelines.loaded_names) == (3, ("one", "xl"))
    with pytest.raises(JobTooLarge, match="model_too_large"):
        DiffusionEngine(settings(diffusion_memory_mib=1)).draw(job())


def test_evicted_model_frees_its_memory(settings: Callable[..., GeneratorsSettings]) -> None:
    size = ModelLibrary(settings()).find_model("one").bytes_in(choose_device().dtype)
    engine = DiffusionEngine(settings(diffusion_memory_mib=-(-size // MEBIBYTE)))
    engine.draw(job(pose=photo()))
    gone = weakref.ref(engine.pipelines.get_pipeline(engine.shelf.default).unet)
    engine.draw(job(model="two"))
    assert engine.pipelines.loaded_names == ("two",)
    assert gone() is None


def test_device_message_names_device_and_memory(
    engine: DiffusionEngine, settings: Callable[..., GeneratorsSettings]
) -> None:
    # the declared ImageEngine has no device_message
    said = registry.load_image_engine(settings(diffusion_memory_mib=500)).device_message()  # type: ignore[attr-defined]  # see above
    assert said.code == f"engine.runs_{engine.device.kind}"
    assert said.params["budget"] == 500
    assert 0 < int(said.params["needed"]) < 5
    with pytest.raises(JobTooLarge, match="model_too_large"):
        DiffusionEngine(settings(diffusion_memory_mib=1)).device_message()


def test_model_card_sets_the_label_of_pictures(folders: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders / "models" / "one", tmp_path / "one"))
    asked = GeneratorsSettings(diffusion_folder=str(folder))
    (folder / "greenroom.json").write_text(json.dumps({"label": "drawn"}))
    assert DiffusionEngine(asked).draw(job(steps=1)).label is OriginLabel.DRAWN
    for wrong in ('{"label": "best"}', "[]", "{", '{"label": ["demo"]}'):
        (folder / "greenroom.json").write_text(wrong)
        with pytest.raises(EngineMissing, match="folder_broken"):
            DiffusionEngine(asked)


def test_broken_or_pickled_weights_are_refused(folders: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders / "models" / "one", tmp_path / "one"))
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))  # a pickle by its name
    with pytest.raises(EngineMissing, match="folder_broken"):
        DiffusionEngine(GeneratorsSettings(diffusion_folder=str(folder))).draw(job())
    weights.write_bytes(b"\xff" * 64)
    with pytest.raises(EngineMissing, match="folder_broken"):
        DiffusionEngine(GeneratorsSettings(diffusion_folder=str(folder)))


def test_picture_parameters_allow_reproduction(engine: DiffusionEngine) -> None:
    made: GeneratedPicture = engine.draw(job(negative="blur", guidance=3.0))
    assert {
        "steps",
        "guidance",
        "negative",
        "scheduler",
        "dtype",
        "torch",
        "diffusers",
    } <= made.parameters.keys()


@pytest.mark.parametrize(
    ("setting", "file", "asked"),
    [
        ("diffusion_poses", "diffusion_pytorch_model.safetensors", {"pose": photo()}),
        ("diffusion_references", "image_encoder/model.safetensors", {"references": (photo(),)}),
    ],
)
def test_pickled_adapter_is_never_opened(
    settings: Callable[..., GeneratorsSettings],
    tmp_path: Path,
    setting: str,
    file: str,
    asked: dict[str, Any],
) -> None:
    torch, read = importlib.import_module("torch"), importlib.import_module("safetensors.torch")
    shutil.copytree(getattr(settings(), setting), tmp_path / "beside")
    weights = tmp_path / "beside" / file
    name = "pytorch_model.bin" if weights.stem == "model" else "diffusion_pytorch_model.bin"
    torch.save(read.load_file(weights), weights.with_name(name))
    weights.unlink()
    with pytest.raises(EngineMissing):
        DiffusionEngine(settings(**{setting: str(tmp_path / "beside")})).draw(job(**asked))
