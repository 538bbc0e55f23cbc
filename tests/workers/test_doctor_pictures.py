"""What the doctor says of who makes pictures, on what, and of who looks at them."""

from pathlib import Path

from foundation.settings import GeneratorsSettings, Settings
from tests.fakes import ollama
from tests.fakes.eyes import serving
from tests.fakes.ollama import FakeOllama
from tests.generators.builders import needs_diffusion
from tests.generators.tiny_films import adapter
from tests.generators.tiny_models import sd15
from workers.doctor import _eyes, _images, _moving, _seeing
from workers.findings import Verdict


def says(url: str = "", versions: str = "") -> tuple[Verdict, str]:
    found = _eyes(Settings(generators=GeneratorsSettings(classifier_url=url, classifier_versions=versions)))
    return found.verdict, found.says.code


def test_it_says_who_looks_and_whether_that_counts() -> None:
    assert says() == (Verdict.FINE, "doctor.people_look")
    with serving() as eyes:
        assert says(eyes.url, "tiles@1") == (Verdict.FINE, "doctor.classifier")
        assert says(eyes.url, "tiles@2") == (Verdict.WARN, "engine.classifier_unknown")
        eyes.status = 503
        assert says(eyes.url, "tiles@1") == (Verdict.WARN, "engine.server_refused")
        eyes.status, eyes.garbage = 200, b"<html>"
        assert says(eyes.url, "tiles@1") == (Verdict.WARN, "engine.classifier_nonsense")
    assert says("http://127.0.0.1:9", "tiles@1") == (Verdict.WARN, "engine.server_down")


def makes(**settings: object) -> list[tuple[str, Verdict, str]]:
    found = _images(Settings(generators=GeneratorsSettings(**settings)))  # type: ignore[arg-type]  # from a test
    return [(one.part, one.verdict, one.says.code) for one in found]


def test_it_says_that_drawings_stand_in_for_a_model() -> None:
    assert makes() == [("images", Verdict.WARN, "doctor.images_drawn")]


def test_it_says_on_what_the_model_runs_or_why_it_cannot(tmp_path: Path) -> None:
    needs_diffusion()
    folder = str(sd15(tmp_path / "tiny"))
    made, (part, verdict, says) = makes(diffusion_folder=folder)
    assert made == ("images", Verdict.FINE, "doctor.engine")
    assert (part, verdict) == ("device", Verdict.FINE)
    assert says in ("engine.runs_cpu", "engine.runs_cuda", "engine.runs_mps")
    beside = sd15(tmp_path / "models" / "other", seed=2)
    (beside.parent / "old.ckpt").write_bytes(b"\x80\x04.")
    assert makes(diffusion_folder=folder, diffusion_models=str(beside.parent))[2:] == [
        ("models", Verdict.FINE, "doctor.models"),
        ("models", Verdict.WARN, "engine.checkpoint_pickle"),
    ]
    assert makes(diffusion_folder=folder, diffusion_memory_mib=1) == [("images", Verdict.BAD, "engine.model_too_large")]
    assert makes(diffusion_folder=str(tmp_path)) == [("images", Verdict.BAD, "engine.folder_no_model")]


def moves(**settings: object) -> tuple[Verdict, str]:
    found = _moving(Settings(generators=GeneratorsSettings(**settings)))  # type: ignore[arg-type]  # from a test
    return found.verdict, found.says.code


def test_it_says_what_makes_pictures_move_or_why_nothing_can(tmp_path: Path) -> None:
    needs_diffusion()
    assert moves() == (Verdict.FINE, "engine.film_none")
    models, moved = str(sd15(tmp_path / "models" / "tiny").parent), str(adapter(tmp_path / "adapter"))
    assert moves(film_models=models, film_adapter=moved) == (Verdict.FINE, "engine.film_runs")
    assert moves(film_models=models) == (Verdict.BAD, "engine.film_adapter")
    assert moves(film_models=str(tmp_path / "none")) == (Verdict.BAD, "engine.folder_missing")


def test_it_says_which_model_proposes_alt_texts_or_why_none_does() -> None:
    def says(**settings: str) -> tuple[Verdict, str]:
        found = _seeing(Settings(generators=GeneratorsSettings(**settings)))  # type: ignore[arg-type]  # from a test
        return found.verdict, found.says.code

    assert says() == (Verdict.FINE, "engine.seeing_none")
    assert says(ollama_url="http://127.0.0.1:9", ollama_vision_model="llava") == (Verdict.WARN, "engine.server_down")
    state = FakeOllama(models=["llava:latest", "llama3.2", "far"], sees={"llava:latest", "far"}, remote={"far": "x"})
    with ollama.serving(state) as server:
        for model, said in (
            ("llava", (Verdict.FINE, "doctor.engine")),
            ("far", (Verdict.WARN, "doctor.seeing_hosted")),
            ("llama3.2", (Verdict.WARN, "engine.seeing_blind")),
            ("gemma3", (Verdict.WARN, "engine.model_missing")),
        ):
            assert says(ollama_url=server.url, ollama_vision_model=model) == said
