"""A fan who writes an unsupported language is answered by a member; fixed texts are in English."""

from pathlib import Path

import pytest
import yaml

from connectors.contract.chats import ChatUpdate
from foundation.i18n import language_detection
from tests.subscribers.builders import Studio, build_model_reply

ORDINARY = Path(__file__).parents[2] / "gate" / "text" / "ordinary" / "check"
FOREIGN = (
    "hola guapa, ¿cómo estás?",
    "me encantan tus fotos, ¿tienes más?",
    "hallo, wie geht es dir heute?",
    "sei bellissima, hai altre foto?",
    "oi, tudo bem com você?",
    "cześć, masz więcej zdjęć?",
    "привет, как дела?",
)


def ordinary(language: str) -> list[str]:
    found = yaml.safe_load((ORDINARY / f"{language}.yaml").read_text("utf-8"))
    return [line for line in found["messages"].splitlines() if line]


@pytest.mark.parametrize(
    ("language", "least"), [("es", 0.75), ("de", 0.8), ("it", 0.75), ("pt", 0.7)]
)
def test_most_single_messages_of_other_languages_are_detected(language: str, least: float) -> None:
    """Measured: 81, 86, 79 and 72 %; a conversation has more than one message."""
    lines = ordinary(language)
    told = sum(map(language_detection.is_other_language, lines))
    assert told >= least * len(lines)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_supported_languages_are_not_detected_as_others(language: str) -> None:
    assert [line for line in ordinary(language) if language_detection.is_other_language(line)] == []


def write(studio: Studio, text: str, language: str = "") -> None:
    """Receive a message from a platform that gives this language of the fan, or none, and process
    it."""
    studio.receive(
        ChatUpdate(key="1", kind="message", fan="leo", language=language, native_id="1", text=text)
    )
    studio.go()


def fixed_texts(studio: Studio) -> list[str]:
    """Return the fixed texts of the conversation, oldest first."""
    rows = studio.rows(
        "SELECT text FROM drafts WHERE tenant_id = :tenant AND origin = 'auto' ORDER BY id"
    )
    return [row.text for row in rows]


@pytest.mark.parametrize("words", FOREIGN)
def test_sentence_of_another_language_is_detected(words: str) -> None:
    assert language_detection.is_other_language(words)
    assert language_detection.detect_language(words) is None


@pytest.mark.parametrize("words", [FOREIGN[0], FOREIGN[-1]])
def test_unsupported_language_gets_english_texts_and_a_draft(studio: Studio, words: str) -> None:
    studio.writer.says = [build_model_reply("Respuesta")]
    write(studio, words)
    (notice,) = fixed_texts(studio)
    assert "artificial intelligence" in notice
    (waiting,) = studio.rows(
        "SELECT text, state FROM drafts WHERE tenant_id = :tenant AND origin = 'bot'"
    )
    assert (waiting.text, waiting.state) == ("Respuesta", "draft")
    assert "the language they write in" in studio.writer.asked[-1].system


def test_platform_language_applies_to_fixed_texts_only(studio: Studio) -> None:
    write(studio, FOREIGN[0], "fr-FR")
    (notice,) = fixed_texts(studio)
    assert "intelligence artificielle" in notice


def test_short_message_of_a_foreign_fan_gets_no_automatic_reply(studio: Studio) -> None:
    studio.say("leo", FOREIGN[1])
    before = studio.texts("leo")
    studio.say("leo", "ok")
    assert studio.texts("leo") == before
    studio.writer.says = [build_model_reply("Bonjour !")]
    studio.say("leo", "tu as d'autres photos de la mer ?")
    assert studio.texts("leo")[-1] == "Bonjour !"


@pytest.mark.parametrize("words", ["¿eres real?"])
def test_question_about_ai_is_answered_in_english(studio: Studio, words: str) -> None:
    write(studio, words)
    assert "I’m an artificial intelligence" in fixed_texts(studio)[-1]
    assert not studio.writer.asked
