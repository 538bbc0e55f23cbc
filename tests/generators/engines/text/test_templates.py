"""The template engine: honest about being AI, limited to its offers, and deterministic."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.contract.engines import (
    CaptionBrief,
    ChatBrief,
    OfferLine,
    OriginLabel,
    UnusableAnswer,
)
from generators.drawing.scene_prompt import PLACES
from generators.engines.text.template_phrases import CHAT_REPLIES, HOUR_CAPTIONS, PLACE_CAPTIONS
from generators.engines.text.templates import TemplateEngine
from tests.generators.builders import a_text_job

OFFERS = (OfferLine("o1", "Nuit d'été"), OfferLine("o2", "Matin au lac"))
REPLY_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "minLength": 1, "maxLength": 1200},
        "offer_id": {"anyOf": [{"type": "string", "enum": ["o1", "o2"]}, {"type": "null"}]},
        "handoff": {
            "anyOf": [
                {"type": "string", "enum": ["asked", "upset", "unsure", "unsafe", "other"]},
                {"type": "null"},
            ]
        },
        "language": {"type": "string", "maxLength": 8},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["text", "offer_id", "handoff", "language", "confidence"],
    "additionalProperties": False,
}


def answer(said: str, language: str = "fr", **brief: Any) -> dict[str, object]:
    given: dict[str, Any] = {"persona": "Nova", "said": said, "offers": OFFERS, **brief}
    job = a_text_job(schema=REPLY_SCHEMA, language=language, brief=ChatBrief(**given))
    return dict(TemplateEngine().write(job).answer)


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("are you real?", "en"),
        ("Are you a bot", "en"),
        ("is this really you??", "en"),
        ("are you a real person?", "en"),
        ("t'es une vraie ?", "fr"),
        ("Es-tu réelle ?", "fr"),
        ("vous êtes un robot ?", "fr"),
        ("c'est une IA qui répond ?", "fr"),
        ("bonjour, tu es humaine ?", "fr"),
    ],
)
def test_question_about_ai_gets_the_truth_and_no_offer(said: str, language: str) -> None:
    given = answer(said, language, turn=3)
    assert "intelligence" in str(given["text"])
    assert given["offer_id"] is None


def test_assistant_of_a_human_creator_does_not_impersonate_her() -> None:
    text = str(answer("are you real?", "en", persona="Sacha", virtual=False)["text"])
    assert "assistant" in text
    assert "I am" not in text


@pytest.mark.parametrize(
    ("said", "handoff"),
    [
        ("je veux parler à quelqu'un", "asked"),
        ("/human", "asked"),
        ("can I talk to a real person", "asked"),
        ("remboursez-moi", "upset"),
        ("this is a scam", "upset"),
        ("je veux en finir", "unsafe"),
        ("i am 15 years old", "unsafe"),
    ],
)
def test_sensitive_message_is_handed_to_a_human(said: str, handoff: str) -> None:
    given = answer(said)
    assert (given["handoff"], given["offer_id"]) == (handoff, None)


def test_request_for_more_gets_the_named_offer() -> None:
    assert answer("tu as d'autres photos ?")["offer_id"] == "o1"
    assert answer("je voudrais acheter le matin au lac")["offer_id"] == "o2"
    assert answer("montre-moi", offers=())["offer_id"] is None


def test_unrequested_offer_appears_only_in_the_third_message() -> None:
    assert [
        answer("c'était une longue journée", turn=turn)["offer_id"] for turn in range(1, 6)
    ] == [
        None,
        None,
        "o1",
        None,
        None,
    ]


def test_unknown_question_gets_low_confidence_and_a_handoff() -> None:
    given = answer("quelle est la capitale de la Mongolie ?")
    assert float(str(given["confidence"])) < 0.5
    assert given["handoff"] == "unsure"


@given(st.text(max_size=200), st.integers(1, 9), st.sampled_from(["fr", "en"]), st.booleans())
def test_every_reply_follows_the_contract(said: str, turn: int, language: str, sells: bool) -> None:
    given = answer(said, language, turn=turn, offers=OFFERS if sells else ())
    assert given["offer_id"] in ({None, "o1", "o2"} if sells else {None})
    assert "{" not in str(given["text"])
    assert given["language"] == language


def test_both_languages_have_the_same_template_keys() -> None:
    assert set(PLACE_CAPTIONS["fr"]) == set(PLACE_CAPTIONS["en"]) == set(PLACES)
    assert set(HOUR_CAPTIONS["fr"]) == set(HOUR_CAPTIONS["en"])
    assert set(CHAT_REPLIES["fr"]) == set(CHAT_REPLIES["en"])


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("place", PLACES)
def test_caption_matches_its_place_and_is_reproducible(place: str, language: str) -> None:
    job = a_text_job(language=language, brief=CaptionBrief("Mia", f"{place} at dawn"))
    written = TemplateEngine().write(job)
    assert any(line in written.text for line in PLACE_CAPTIONS[language][place])
    assert any(line in written.text for line in HOUR_CAPTIONS[language]["dawn"])
    assert TemplateEngine().write(job) == written
    assert written.label is OriginLabel.TEMPLATE


def test_missing_brief_is_refused() -> None:
    with pytest.raises(UnusableAnswer):
        TemplateEngine().write(a_text_job())


def test_unsupported_schema_is_refused() -> None:
    wanted = {
        "type": "object",
        "properties": {"horoscope": {"type": "string"}},
        "required": ["horoscope"],
    }
    with pytest.raises(UnusableAnswer):
        TemplateEngine().write(a_text_job(brief=ChatBrief("Nova", "hi"), schema=wanted))


def test_unknown_scene_gets_neutral_captions() -> None:
    def said(seed: int) -> str:
        brief = CaptionBrief(creator="Mia", scene="chelsea")
        return TemplateEngine().write(a_text_job(seed=seed, brief=brief)).text

    texts = {said(seed) for seed in range(40)}
    everywhere = {
        line
        for table in (PLACE_CAPTIONS["fr"], HOUR_CAPTIONS["fr"])
        for lines in table.values()
        for line in lines
    }
    assert not any(line in text for text in texts for line in everywhere)
    assert len(texts) > 3
