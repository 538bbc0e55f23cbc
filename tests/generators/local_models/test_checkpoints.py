"""Single-file checkpoints give the same bytes as their folders and record their file."""

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import EngineMissing, GeneratedPicture, ImageJob, Lora
from generators.engines.images.diffusion import DiffusionEngine
from generators.engines.text.langchain import load_attribute
from generators.local_models import checkpoints
from tests.generators import tiny_models as tiny
from tests.generators.builders import an_image_job, needs_diffusion
from tests.generators.local_models import checkpoint_files

pytestmark = pytest.mark.heavy

needs_diffusion()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two models, the same as files with others, their layouts, and a LoRA."""
    found = tmp_path_factory.mktemp("checkpoints")
    # the encoders of XL are distinguished by their width (diffusers 0.42)
    for kind, make in (("sd15", tiny.sd15), ("sdxl", partial(tiny.sdxl, second=48))):
        folder = make(found / "folders" / kind)
        checkpoint_files.write_checkpoint(folder, found / "models" / f"My_{kind}.v2.safetensors")
        checkpoint_files.copy_layout(folder, found / "layouts" / kind)
    tiny.lora(found / "loras" / "warm.safetensors", found / "folders" / "sd15")
    (found / "models" / "old.ckpt").write_bytes(b"\x80\x04.")
    shutil.copy(found / "loras" / "warm.safetensors", found / "models" / "warm.safetensors")
    return found


@pytest.fixture(scope="module")
def settings(root: Path) -> Callable[..., GeneratorsSettings]:
    def make(**changes: object) -> GeneratorsSettings:
        given: dict[str, object] = {
            "diffusion_folder": str(root / "folders" / "sd15"),
            "diffusion_models": str(root / "models"),
            "diffusion_layouts": str(root / "layouts"),
            "diffusion_loras": str(root / "loras"),
        }
        # strings, as in environment variables
        return GeneratorsSettings(**{**given, **changes})  # type: ignore[arg-type]  # see above

    return make


def job(**changes: object) -> ImageJob:
    return an_image_job(**{"width": 64, "height": 64, **changes})


def pixels(picture: GeneratedPicture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.data)), dtype=int)


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_checkpoint_gives_the_same_bytes_as_its_folder(
    kind: str, root: Path, settings: Callable[..., GeneratorsSettings]
) -> None:
    folder = DiffusionEngine(settings(diffusion_folder=str(root / "folders" / kind)))
    wanted = [folder.draw(job()), folder.draw(job(negative="rain", seed=3))]
    assert "checkpoint" not in wanted[0].parameters
    folder.pipelines.release_all()
    name = f"My_{kind}.v2"
    engine = DiffusionEngine(settings())
    made = [
        engine.draw(job(model=name)),
        engine.draw(job(model=f"{name}.safetensors", negative="rain", seed=3)),
    ]
    assert made[0].data == wanted[0].data
    apart = np.abs(pixels(made[1]) - pixels(wanted[1])).max()
    assert apart <= (kind == "sdxl"), (
        "the memory layout of the weights may change one rounding of two encoders (measured)"
    )
    assert {one.model for one in made} == {name}
    file = root / "models" / f"{name}.safetensors"
    assert made[0].parameters["checkpoint"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert engine.pipelines.loads == 1, "both names load one model"
    engine.pipelines.release_all()


def test_checkpoint_can_be_the_default_model_and_takes_loras(
    root: Path, settings: Callable[..., GeneratorsSettings]
) -> None:
    engine = DiffusionEngine(
        settings(diffusion_folder=str(root / "models" / "My_sd15.v2.safetensors"))
    )
    assert engine.model == "My_sd15.v2"
    bare, warm = engine.draw(job()), engine.draw(job(loras=(Lora("warm"),)))
    assert bare.data != warm.data
    assert engine.draw(job()).data == bare.data
    engine.pipelines.release_all()


def test_picture_records_the_checkpoint_that_was_loaded(
    root: Path, tmp_path: Path, settings: Callable[..., GeneratorsSettings]
) -> None:
    models = Path(shutil.copytree(root / "models", tmp_path / "models"))
    engine = DiffusionEngine(settings(diffusion_models=str(models)))
    first = engine.draw(job(model="My_sd15.v2"))
    checkpoint_files.write_checkpoint(
        tiny.sd15(tmp_path / "other", seed=9), models / "My_sd15.v2.safetensors"
    )
    assert (
        engine.draw(job(model="My_sd15.v2")).parameters["checkpoint"]
        == first.parameters["checkpoint"]
    )
    engine.pipelines.release_all()
    again = engine.draw(job(model="My_sd15.v2"))
    assert again.data != first.data
    assert again.parameters["checkpoint"] != first.parameters["checkpoint"]
    engine.pipelines.release_all()


def test_unusable_checkpoints_are_listed_with_a_reason(
    settings: Callable[..., GeneratorsSettings],
) -> None:
    engine = DiffusionEngine(settings())
    assert engine.list_models()[0] == ["My_sd15.v2", "My_sdxl.v2", "warm"]
    assert sorted((one.code, one.params["file"]) for one in engine.model_problems()) == [
        ("engine.checkpoint_pickle", "old.ckpt"),
        ("engine.checkpoint_unknown", "warm.safetensors"),
    ]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("old", "checkpoint_pickle"),
        ("warm", "checkpoint_unknown"),
        ("none", "model_missing"),
        ("../x", "model_missing"),
    ],
)
def test_unusable_checkpoint_is_refused_before_reading(
    name: str, code: str, settings: Callable[..., GeneratorsSettings]
) -> None:
    with pytest.raises(EngineMissing, match=code):
        DiffusionEngine(settings()).draw(job(model=name))


def test_pickle_in_the_settings_is_refused(
    root: Path, settings: Callable[..., GeneratorsSettings]
) -> None:
    with pytest.raises(EngineMissing, match="checkpoint_pickle"):
        DiffusionEngine(settings(diffusion_folder=str(root / "models" / "old.ckpt")))


@pytest.mark.parametrize("damage", ["cut", "shapes", "parts", "inpainting"])
def test_broken_checkpoint_is_refused(
    damage: str, root: Path, tmp_path: Path, settings: Callable[..., GeneratorsSettings]
) -> None:
    file = tmp_path / "models" / "bad.safetensors"
    file.parent.mkdir()
    whole = load_attribute("safetensors.torch", "load_file")(
        root / "models" / "My_sd15.v2.safetensors"
    )
    first = "model.diffusion_model.input_blocks.0.0.weight"
    if damage == "parts":
        whole = {
            name: each for name, each in whole.items() if not name.startswith("first_stage_model.")
        }
    if damage == "shapes":
        whole["model.diffusion_model.out.2.weight"] = whole["model.diffusion_model.out.2.weight"][
            :, :8
        ].contiguous()
    if damage == "inpainting":
        whole[first] = whole[first].repeat(1, 2, 1, 1)
    load_attribute("safetensors.torch", "save_file")(whole, file)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-4096])
    engine = DiffusionEngine(settings(diffusion_models=str(file.parent)))
    with pytest.raises(EngineMissing, match=r"checkpoint_unknown|folder_broken"):
        engine.draw(job(model="bad"))


def test_bundled_layouts_match_the_original_models() -> None:
    """Parameter counts: https://huggingface.co/stable-diffusion-v1-5,
    https://huggingface.co/stabilityai (model files)."""
    empty, diffusers = load_attribute("accelerate", "init_empty_weights"), "diffusers"
    config = load_attribute("transformers", "CLIPTextConfig")
    counted: dict[str, int] = {}
    for kind in ("sd15", "sdxl"):
        folder = checkpoints.LAYOUT_FOLDER / kind
        with empty():
            parts = {
                name: load_attribute(diffusers, cls).from_config(
                    json.loads((folder / name / "config.json").read_text())
                )
                for name, cls in (("unet", "UNet2DConditionModel"), ("vae", "AutoencoderKL"))
            }
            parts["text"] = load_attribute("transformers", "CLIPTextModel")(
                config.from_pretrained(folder / "text_encoder")
            )
            if kind == "sdxl":
                second = config.from_pretrained(folder / "text_encoder_2")
                parts["second"] = load_attribute("transformers", "CLIPTextModelWithProjection")(
                    second
                )
        counted |= {
            f"{kind}.{name}": sum(one.numel() for one in part.parameters())
            for name, part in parts.items()
        }
    assert counted == {
        **{"sd15.unet": 859_520_964, "sd15.vae": 83_653_863, "sd15.text": 123_060_480},
        **{
            "sdxl.unet": 2_567_463_684,
            "sdxl.vae": 83_653_863,
            "sdxl.text": 123_060_480,
            "sdxl.second": 694_659_840,
        },
    }
    words = load_attribute("transformers", "CLIPTokenizer").from_pretrained(
        str(checkpoints.TOKENIZER_FOLDER), model_max_length=77
    )
    assert words("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
