"""Texts of models: suggestions mention no minor at all, memory holds no hint of one, and one judge
reads the facts once."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Verdict
from gate.surfaces.model_texts import TextJudge, load_text_judge, shipped_text_judge
from tests.gate.builders import world
from tests.gate.surfaces.test_decisions import counted_statements

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SUGGESTION = shipped_text_judge("model.suggestion", NOW)
MEMORY = shipped_text_judge("model.memory", NOW)
PERSONA = shipped_text_judge("model.persona", NOW)


@pytest.mark.parametrize(
    "text",
    [
        "Une ADOLESCENTE attend",
        "Elle a 15 ans",
        "a 16-year-old on the beach",
        "ＴＥＥＮ dream",
        "#school_girl",
        "ein Mädchen, 14 Jahre",
        "女子高生の朝",
        "15歳の夏",
        "MINOR-P-A",
        "MINOR-C-A",
        "I'm 15",
        "the kids are asleep",
    ],
)
def test_suggestion_mentions_no_minor(text: str) -> None:
    decision = SUGGESTION.judge_texts([text])
    assert not decision.is_allowed
    assert {Reason.PROHIBITED_MINOR, Reason.TEXT_REPHRASE} & set(decision.reasons)


@pytest.mark.parametrize(
    "text", ["Mes 25 ans ce soir", "In 2026, 1200 anni", "à 8 heures", "He teaches 10-year-olds"]
)
def test_ordinary_text_may_be_suggested(text: str) -> None:
    assert SUGGESTION.judge_texts([text]).is_allowed


def test_word_about_children_counts_in_suggestions_only() -> None:
    for judge in (MEMORY, PERSONA):
        assert judge.judge_texts(["mother of two kids"]).is_allowed
    assert SUGGESTION.judge_texts(["mother of two kids"]).verdict is Verdict.H


@pytest.mark.parametrize("text", ["my homework", "my mom would kill me", "I'm in 9th grade"])
def test_memory_holds_no_hint_of_a_young_writer(text: str) -> None:
    assert not MEMORY.judge_texts([text]).is_allowed


@pytest.mark.parametrize("judge", [SUGGESTION, MEMORY], ids=["suggestion", "memory"])
def test_adult_text_is_neither_suggested_nor_remembered(judge: TextJudge) -> None:
    assert judge.judge_texts(["NUDITY-MARKER-A"]).verdict is Verdict.B
    assert judge.judge_texts(["SUGGESTIVE-MARKER-A"]).rating is Rating.S
    assert PERSONA.judge_texts(["EXPLICIT-MARKER-A"]).is_allowed


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (("Nova", "a shy schoolgirl, 15 years old"), "minor"),
        (("Nova", "a loli"), "minor"),
        (("Nova", "an underage girl"), "minor"),
        (("Nova", "Mia ist 15 Jahre alt"), "minor"),
        (("Nova", "tiene quince años"), "minor"),
        (("Nova", "aged 17, likes the sea"), "minor"),
        (("Nova", "see https://mia.example/a"), "link"),
        (("Nova", "PROHIBITED-MARKER-A", "aged 17"), "category"),
        (("Nova", "a traveller of 30"), ""),
        (("Nova", "has painted for 10 years", "mother of two kids"), ""),
        (("Nova", "born in 1999, photographe depuis 12 ans"), ""),
    ],
)
def test_one_text_decides_about_a_character(texts: tuple[str, ...], code: str) -> None:
    codes = {
        Reason.PROHIBITED_CATEGORY: "category",
        Reason.PROHIBITED_MINOR: "minor",
        Reason.LINK_UNREGISTERED: "link",
    }
    assert PERSONA.judge_texts(texts).refusal_code(codes) == code


def test_reason_without_a_code_has_the_message_of_the_gate() -> None:
    decision = PERSONA.judge_texts(["gооd mоrning"])
    assert decision.refusal_code({Reason.PROHIBITED_MINOR: "x"}) == "gate.TEXT_OBFUSCATED"


def test_judge_reads_once(tenant: OpenScope, tenant_id: UUID) -> None:
    here = world(tenant, tenant_id)
    with here.scope() as scope, counted_statements() as asked:
        judge = load_text_judge(scope, "model.suggestion")
        for number in range(20):
            judge.judge_texts([f"Morning number {number}", "https://shop.test/a"])
    assert len([one for one in asked if "own_terms" in one]) == 1
    assert len(asked) <= 3  # with the statements that open the scope
