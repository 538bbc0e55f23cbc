"""One suite for all engines: the behaviour that a caller may rely on with any of them."""

import io
from collections.abc import Iterator
from decimal import Decimal

import pytest
from PIL import Image
from pydantic import SecretStr

from foundation.money import Price
from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import (
    ChatBrief,
    EngineMissing,
    GeneratedPicture,
    HostedImageEngine,
    ImageEngine,
    JobTooLarge,
    Lora,
    OriginLabel,
    TextEngine,
)
from generators.engines.images.demo_scenes import DemoSceneEngine
from generators.engines.images.diffusion import DiffusionEngine
from generators.engines.images.placeholder import PlaceholderEngine
from generators.engines.images.rating_tiles import RatingTileEngine
from generators.engines.images.replicate import Replicate, ReplicateService
from generators.engines.text.ollama import OllamaEngine
from generators.engines.text.templates import TemplateEngine
from generators.text import json_answers
from tests.fakes.generators import ollama as fake
from tests.fakes.generators import replicate as selling
from tests.generators.builders import SCHEMA, a_text_job, an_image_job, needs_diffusion
from tests.generators.contract.engine_rules import World, keeps_all
from tests.generators.tiny_models import sd15


@pytest.fixture(scope="module")
def diffusion(tmp_path_factory: pytest.TempPathFactory) -> DiffusionEngine:
    needs_diffusion()
    return DiffusionEngine(
        GeneratorsSettings(diffusion_folder=str(sd15(tmp_path_factory.mktemp("models") / "tiny")))
    )


@pytest.fixture(scope="module")
def hosted() -> Iterator[Replicate]:
    """A large hosted model, whose pictures need no label."""
    with selling.serving() as there:
        there.looks = 1
        service = ReplicateService(there.url, SecretStr(selling.TOKEN), there.files_url)
        yield Replicate(
            service, selling.MODEL, {selling.MODEL: Price(Decimal(1), "USD")}, look=0.02
        )


@pytest.fixture(params=["placeholder", "drawn", "tile", "diffusion", "replicate"])
def image_engine(request: pytest.FixtureRequest) -> ImageEngine:
    match request.param:
        case "placeholder":
            return PlaceholderEngine()
        case "drawn":
            return DemoSceneEngine()
        case "tile":
            return RatingTileEngine("E")
        case "replicate":
            bought: Replicate = request.getfixturevalue("hosted")
            return bought
        case _:
            made: DiffusionEngine = request.getfixturevalue("diffusion")
            return made


def pixels(picture: GeneratedPicture) -> Image.Image:
    return Image.open(io.BytesIO(picture.data))


def test_picture_records_engine_model_seed_and_prompt(image_engine: ImageEngine) -> None:
    job = an_image_job(seed=11)
    picture = image_engine.draw(job)
    assert (picture.engine, picture.model) == (image_engine.name, image_engine.model)
    assert (picture.seed, picture.prompt) == (11, job.prompt)
    assert (picture.width, picture.height) == (job.width, job.height) == pixels(picture).size
    assert Image.MIME[str(pixels(picture).format)] == picture.mime
    assert not pixels(picture).getexif()


def test_only_pictures_of_large_models_carry_no_label(image_engine: ImageEngine) -> None:
    large = isinstance(image_engine, HostedImageEngine)
    assert (image_engine.draw(an_image_job()).label is OriginLabel.NONE) == large


def test_every_image_engine_follows_the_shared_rules(image_engine: ImageEngine) -> None:
    keeps_all(
        World(lambda seed, progress: image_engine.draw(an_image_job(seed=seed), progress).data)
    )


def test_unsupported_inputs_are_refused_instead_of_ignored(image_engine: ImageEngine) -> None:
    asked = {"init": b"x", "pose": b"x", "references": (b"x",), "loras": (Lora("warm"),)}
    lacking = asked.keys() - image_engine.does
    assert lacking
    for need in lacking:
        with pytest.raises(EngineMissing, match=f"cannot_{need}"):
            image_engine.draw(an_image_job(**{need: asked[need]}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"mask": b"x"},
        {"init": b"x", "strength": 0.0},
        {"init": b"x", "strength": 1.1},
        {"loras": (Lora("a"),) * 2},
    ],
)
def test_meaningless_job_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"mask|strength|LoRA"):
        an_image_job(**wrong)


@pytest.mark.parametrize("size", [(65, 64), (64, 5000), (8, 8)])
def test_impossible_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(JobTooLarge):
        an_image_job(width=size[0], height=size[1])


@pytest.fixture(params=["ollama", "templates"])
def text_engine(request: pytest.FixtureRequest) -> Iterator[TextEngine]:
    if request.param == "templates":
        yield TemplateEngine()
        return
    with fake.serving() as server:
        yield OllamaEngine(server.url, "llama3.2")


def test_text_records_engine_model_seed_and_prompt_digest(text_engine: TextEngine) -> None:
    job = a_text_job(brief=ChatBrief("Nova", "bonjour"))
    written = text_engine.write(job)
    assert (written.engine, written.model, written.seed) == (
        text_engine.name,
        text_engine.model,
        job.seed,
    )
    assert written.prompt_digest == job.digest() != a_text_job(system="other").digest()
    assert written.text.strip()
    assert written.answer == {}


def test_json_answer_matches_its_schema(text_engine: TextEngine) -> None:
    written = text_engine.write(a_text_job(brief=ChatBrief("Nova", "bonjour"), schema=SCHEMA))
    assert written.answer
    assert not json_answers.schema_errors(written.answer, SCHEMA)
