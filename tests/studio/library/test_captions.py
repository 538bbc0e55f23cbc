"""Captions: the model's text where it is usable, else a template; the source is recorded."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from gate.surfaces.model_texts import shipped_text_judge
from generators.contract.engines import EngineUnreachable, GeneratedText, OriginLabel, TextJob
from generators.engines.text.templates import TemplateEngine
from studio.library import captions
from studio.library.captions import CaptionStyle, WrittenCaption

JUDGE = shipped_text_judge("model.suggestion", datetime(2026, 12, 1, tzinfo=UTC))
SCENE = "a café terrace in the morning"


@dataclass
class Model:
    """An engine that returns one text."""

    says: str
    name: str = "ollama"
    model: str = "llama3.2"
    converses: bool = True
    languages: frozenset[str] = frozenset({"fr", "en"})

    def write(self, job: TextJob) -> GeneratedText:
        if not self.says:
            raise EngineUnreachable("engine.unreachable", server="x")
        return GeneratedText(
            self.says, self.name, self.model, OriginLabel.NONE, job.seed, job.digest(), 10, 10
        )


def write(says: str, language: str = "en", scene: str = SCENE) -> WrittenCaption:
    voice = CaptionStyle("Nova", "warm", language, virtual=True)
    return captions.write_caption(
        Model(says), TemplateEngine(), voice=voice, scene=scene, seed=3, judge=JUDGE
    )


def test_caption_of_a_model_is_cleaned_and_attributed_to_it() -> None:
    caption = write('Caption: "Sun on the cups, and nowhere to be." #blessed #coffee')
    assert caption.text == "Sun on the cups, and nowhere to be."
    assert (caption.ai, caption.engine, caption.model) == ("generated", "ollama", "llama3.2")


@pytest.mark.parametrize(
    ("says", "language"),
    [
        ("", "en"),  # # the engine is unreachable
        ("   ", "fr"),
        (SCENE, "en"),  # # it repeats the scene
        ("We stayed until the sea turned orange.", "en"),  # # or one of its examples
        ("On est restés jusqu'à ce que la mer devienne orange.", "fr"),
        ("sun sun sun sun sun", "en"),
        ("#only #hash #tags", "fr"),
    ],
)
def test_unusable_caption_is_replaced_by_a_template(says: str, language: str) -> None:
    caption = write(says, language)
    assert caption.text
    assert (caption.ai, caption.engine) == ("template", "templates")


def test_template_engine_is_not_recorded_as_a_model() -> None:
    voice = CaptionStyle("Nova", "warm", "fr", virtual=True)
    caption = captions.write_caption(
        TemplateEngine(), TemplateEngine(), voice=voice, scene=SCENE, seed=3, judge=JUDGE
    )
    assert (caption.ai, caption.engine) == ("template", "templates")


def test_model_without_the_language_is_not_called() -> None:
    voice = CaptionStyle("Nova", "warm", "fr", virtual=True)
    english = Model("Sun on the cups, and nowhere to be.", languages=frozenset({"en"}))
    caption = captions.write_caption(
        english, TemplateEngine(), voice=voice, scene=SCENE, seed=3, judge=JUDGE
    )
    assert caption.engine == "templates"


def test_caption_is_never_longer_than_platforms_allow() -> None:
    caption = write("The morning went on. " * 40)
    assert 0 < len(caption.text) <= captions.MAX_CAPTION_LENGTH


@pytest.mark.parametrize("text", ["A 15-year-old girl at the beach", "EXPLICIT-MARKER-A", "kids"])
def test_model_is_not_asked_about_what_no_suggestion_may_hold(text: str) -> None:
    assert write("Sun on the cups, and nowhere to be.", scene=text).engine == "templates"
    assert write(f"Sun on the cups, and {text} inside.").engine == "templates"
