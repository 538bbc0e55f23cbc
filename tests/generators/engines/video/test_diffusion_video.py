"""Video models: the real diffusers code on tiny folders, every layout, and no state left over."""

import importlib
import json
import shutil
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from foundation.errors import BadInput
from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.containers import mp4
from generators.contract.engines import EngineMissing, JobTooLarge, OriginLabel
from generators.contract.video import VideoJob
from generators.engines.images.diffusion import DiffusionEngine
from generators.engines.video import video_models
from generators.engines.video.diffusion_video import DiffusionVideoEngine
from generators.engines.video.video_models import VIDEO_MODEL_FAMILIES
from generators.retouch import crops
from generators.video import video_files
from tests.generators import tiny_models, tiny_video_models
from tests.generators.builders import a_picture, an_image_job, encoded, needs_diffusion

pytestmark = pytest.mark.heavy

needs_diffusion()

MODELS = ("animatediff", "ltx", "sd15", "svd", "wan")
MOVES = ("animatediff", "sd15", "svd")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one model of each kind and a motion adapter."""
    root = tmp_path_factory.mktemp("films")
    for name in ("animatediff", "ltx", "svd", "wan"):
        getattr(tiny_video_models, name)(root / "models" / name)
    tiny_models.sd15(root / "models" / "sd15")
    tiny_video_models.adapter(root / "adapter")
    return root


@pytest.fixture(scope="module")
def settings(folders: Path) -> Callable[..., GeneratorsSettings]:
    def make(**changes: object) -> GeneratorsSettings:
        given: dict[str, object] = {
            "film_models": str(folders / "models"),
            "film_adapter": str(folders / "adapter"),
        }
        # strings, as in environment variables
        return GeneratorsSettings(**{**given, **changes})  # type: ignore[arg-type]  # see above

    return make


@pytest.fixture(scope="module")
def engine(settings: Callable[..., GeneratorsSettings]) -> Iterator[DiffusionVideoEngine]:
    made = DiffusionVideoEngine(settings())
    yield made
    made.pipelines.release_all()


def job(model: str = "sd15", **changes: Any) -> VideoJob:
    given: dict[str, Any] = {"seed": 7, "width": 96, "height": 64, "seconds": 1, "steps": 2}
    words = {} if model == "svd" else {"prompt": "waves on a beach"}
    picture = encoded(a_picture(96, 64, seed=1), "PNG")
    return VideoJob(picture, model=model, **{**given, **words, **changes})


@pytest.mark.parametrize("model", MODELS)
def test_every_layout_animates_a_picture_reproducibly(
    engine: DiffusionVideoEngine, model: str
) -> None:
    made = engine.animate(job(model))
    assert (made.engine, made.model, made.label, made.seed) == (
        "diffusion",
        model,
        OriginLabel.DEMO,
        7,
    )
    found = mp4.inspect_mp4(made.data, name="film")
    assert ((found.width, found.height), found.video, round(found.rate)) == ((96, 64), True, 30)
    assert abs(found.seconds - made.seconds) < 0.05
    assert 0.9 < made.seconds < 1.1
    assert made.data.index(b"moov") < made.data.index(b"mdat")
    assert len(video_files.reopen_video(made.data, name="film").looked.frames) >= 2, (
        "it decodes without foreign content"
    )
    assert {
        "steps",
        "rate",
        "film_frames",
        "drawn",
        "dtype",
        "torch",
        "diffusers",
    } <= made.parameters.keys()
    assert engine.animate(job(model)).data == made.data
    assert engine.animate(job(model, seed=8)).data != made.data


@pytest.mark.parametrize("model", MODELS)
def test_picture_motion_and_prompt_change_the_video(
    engine: DiffusionVideoEngine, model: str
) -> None:
    made = engine.animate(job(model))
    other = replace(job(model), picture=encoded(a_picture(96, 64, seed=5), "PNG"))
    assert engine.animate(other).data != made.data
    if model in MOVES:
        assert engine.animate(job(model, motion=95)).data != made.data
    if model != "svd":
        assert engine.animate(job(model, prompt="snow in a forest")).data != made.data


@pytest.mark.parametrize("model", MODELS)
def test_progress_reports_each_step_and_can_stop(engine: DiffusionVideoEngine, model: str) -> None:
    class Stopped(Exception):
        pass

    heard: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        heard.append((done, total))
        if done == 1:
            raise Stopped

    whole: list[tuple[int, int]] = []
    before = engine.animate(job(model), lambda done, total: whole.append((done, total))).data
    assert whole == sorted(whole)
    assert (whole[0], whole[-1]) == ((0, 2), (2, 2))
    with pytest.raises(Stopped):
        engine.animate(job(model), stop)
    assert heard == [(0, 2), (1, 2)]
    assert engine.animate(job(model)).data == before


def test_unsupported_inputs_are_refused(engine: DiffusionVideoEngine) -> None:
    for wrong, code in (
        (job("svd", prompt="waves"), "film_no_words"),
        (job("ltx", motion=50), "film_no_motion"),
        (job("wan", motion=50), "film_no_motion"),
        (job("none"), "film_model_missing"),
        (job("../models/svd"), "film_model_missing"),
    ):
        with pytest.raises(EngineMissing, match=code):
            engine.animate(wrong)
    with pytest.raises(JobTooLarge, match="film_long"):
        engine.animate(job("svd", seconds=3))  # the model's folder says 14 frames at 7 per second
    with pytest.raises(BadInput):
        engine.animate(replace(job(), picture=b"<svg>"))


@pytest.mark.parametrize(
    "wrong", [{"seconds": 0}, {"seconds": 60}, {"width": 97}, {"height": 8}, {"width": 4000}]
)
def test_impossible_videos_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(JobTooLarge):
        job(**wrong)


@pytest.mark.parametrize("name", sorted(VIDEO_MODEL_FAMILIES))
def test_frame_counts_and_sizes_suit_each_model(name: str) -> None:
    family = VIDEO_MODEL_FAMILIES[name]
    for seconds in range(1, family.seconds + 1):
        frames = family.frames(seconds)
        assert (frames - 1) % family.group == 0
        assert 2 <= frames <= family.most
        assert (
            abs(frames / family.rate - seconds) <= max(family.group, family.rate // 2) / family.rate
        )
    for asked in ((1280, 720), (720, 1280), (1024, 1024), (1280, 128)):
        wide, high = family.size(*asked)
        assert wide % family.grid == high % family.grid == 0
        assert wide * high <= family.area * 1.6
    assert VIDEO_MODEL_FAMILIES["StableVideoDiffusionPipeline"].size(1280, 720) == (1024, 576)


def test_large_model_without_a_gpu_is_refused(
    folders: Path, settings: Callable[..., GeneratorsSettings], tmp_path: Path
) -> None:
    shutil.copytree(folders / "models" / "svd", tmp_path / "large")
    (tmp_path / "large" / "greenroom.json").write_text(json.dumps({"label": ""}))
    index = tmp_path / "large" / "unet" / "diffusion_pytorch_model.safetensors"
    header = json.dumps(
        {"big": {"dtype": "F32", "shape": [20_000_000], "data_offsets": [0, 4]}}
    ).encode()
    index.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    asked = settings(film_models=str(tmp_path))
    large = DiffusionVideoEngine(asked)
    assert large.shelf.find_model("large").model.label is OriginLabel.NONE
    if large.device.kind == "cpu":
        with pytest.raises(EngineMissing, match="film_no_gpu"):
            large.animate(job("large", prompt=""))
        with pytest.raises(EngineMissing, match="film_no_gpu"):
            large.device_message()
    slow = DiffusionVideoEngine(settings(film_models=str(tmp_path), film_device="cpu"))
    assert slow.device_message().code == "engine.film_runs"
    assert not video_models.can_run_model(asked, large.shelf.find_model("large").model, gpu=False)
    assert video_models.can_run_model(asked, large.shelf.find_model("large").model, gpu=True)
    assert (
        video_models.video_capabilities(
            settings(film_models=str(tmp_path), film_device="gpu")
        ).lacks
        is None
    )


def test_missing_files_are_reported_before_loading(
    folders: Path, settings: Callable[..., GeneratorsSettings], tmp_path: Path
) -> None:
    assert [one.model.name for one in video_models.video_capabilities(settings()).movers] == list(
        MODELS
    )
    (tmp_path / "empty").mkdir()
    shutil.copytree(folders / "models" / "sd15", tmp_path / "still" / "one")
    tiny_models.sdxl(tmp_path / "other" / "xl")
    words = (
        Path(shutil.copytree(folders / "models" / "ltx", tmp_path / "words" / "one")) / "tokenizer"
    )
    (words / "tokenizer.json").unlink(missing_ok=True)
    (words / "spiece.model").write_bytes(b"words")
    for given, code in (
        ({"film_models": ""}, "engine.film_none"),
        ({"film_models": str(tmp_path / "nowhere")}, "engine.folder_missing"),
        ({"film_models": str(tmp_path / "empty")}, "engine.film_folder_empty"),
        ({"film_models": str(tmp_path / "other")}, "engine.film_kind"),
        ({"film_models": str(tmp_path / "still"), "film_adapter": ""}, "engine.film_adapter"),
        (
            {"film_models": str(tmp_path / "still"), "film_adapter": str(tmp_path)},
            "engine.folder_broken",
        ),
        ({"film_models": str(tmp_path / "words")}, "engine.package_missing"),
    ):
        lacks = video_models.video_capabilities(settings(**given)).lacks
        assert lacks is not None
        assert lacks.message.code == code
    with pytest.raises(EngineMissing, match="film_none"):
        registry.load_video_engine(GeneratorsSettings())
    assert registry.load_video_engine(settings()).device_message().code == "engine.film_runs"


@contextmanager
def no_room(most: int) -> Iterator[list[int]]:
    """Make memory run out when more than `most` frames are decoded at once; yield the numbers
    tried."""
    tried: list[int] = []
    held: list[weakref.ref[Any]] = []

    def enter(module: object, given: tuple[Any, ...]) -> None:
        if type(module).__name__ != "TemporalDecoder":
            return
        tried.append(given[0].shape[0])
        if given[0].shape[0] > most:
            assert not [one for one in held if one() is not None], (
                "the first attempt still holds memory"
            )
            held.append(weakref.ref(given[0]))
            raise importlib.import_module("torch").OutOfMemoryError(
                "CUDA out of memory. Tried to allocate 2.00 GiB."
            )

    hook = importlib.import_module("torch.nn.modules.module").register_module_forward_pre_hook(
        enter
    )
    try:
        yield tried
    finally:
        hook.remove()


def test_low_memory_decodes_fewer_frames_or_raises(engine: DiffusionVideoEngine) -> None:
    before = engine.animate(job("svd")).data
    with no_room(1) as tried:
        assert engine.animate(job("svd")).seconds == 1
    assert tried == [7, *[1] * 7]
    with no_room(0), pytest.raises(JobTooLarge, match="film_memory"):
        engine.animate(job("svd"))
    assert engine.animate(job("svd")).data == before
    with pytest.raises(JobTooLarge, match="model_too_large"):
        DiffusionVideoEngine(
            engine._settings.model_copy(update={"diffusion_memory_mib": 1})
        ).animate(job())


def test_picture_and_video_models_do_not_hold_memory_together(
    engine: DiffusionVideoEngine, folders: Path
) -> None:
    pictures = DiffusionEngine(
        GeneratorsSettings(diffusion_folder=str(folders / "models" / "sd15"))
    )
    engine.animate(job())
    pictures.draw(an_image_job(width=64, height=64))
    assert (engine.pipelines.loaded_names, pictures.pipelines.loaded_names) == ((), ("sd15",))
    engine.animate(job())
    assert (engine.pipelines.loaded_names, pictures.pipelines.loaded_names) == (("sd15",), ())


def test_picture_is_cropped_instead_of_stretched() -> None:
    assert crops.fill_window(Image.new("RGB", (200, 64)), (64, 64)) == (68, 0, 132, 64)
    assert crops.fill_window(Image.new("RGB", (96, 64)), (480, 320)) == (0, 0, 96, 64)
