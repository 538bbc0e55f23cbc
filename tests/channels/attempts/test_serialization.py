"""Stored units, responses and outcomes are read back unchanged, whatever a platform answers."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.attempts import serialization
from connectors.contract.connector import Response, StepAnswerLost, StepNotSent, StepResult
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Failed,
    Found,
    LookupResult,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from foundation.canonical_json import canonical_json
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import Button, Invoice, Medium, Subject, Text, Unit
from tests.channels.builders import World

WHY = Message("attempt.no_answer", {"n": 3})
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
OUTCOMES: list[Outcome] = [
    Published("7", "https://x/7", AT),
    Published("7"),
    Processing("token"),
    Retry(timedelta(seconds=2.5), "app", WHY),
    Rejected(WHY, permanent=True),
    Reauthorize(WHY),
    Disconnected(WHY),
    Uncertain(WHY),
]
words = st.text(st.characters(codec="utf-8"), max_size=30)
units = st.builds(
    Unit,
    tenant_id=st.uuids(),
    creator_id=st.uuids(),
    subject=st.builds(Subject, words, st.uuids()),
    platform=words,
    surface=words,
    channel_id=st.uuids(),
    account=words,
    audience=words,
    texts=st.lists(st.builds(Text, words, words), max_size=3).map(tuple),
    media=st.lists(
        st.builds(Medium, words, words, st.integers(0, 2**40), words, words, words), max_size=2
    ).map(tuple),
    buttons=st.lists(st.builds(Button, words, words, words), max_size=2).map(tuple),
    invoice=st.none() | st.builds(Invoice, words, words, st.integers(), words, words),
    viewer=words,
    flags=st.lists(words, max_size=3).map(tuple),
    service=words,
    native_key=words,
)
bodies = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def kept(value: object) -> dict[str, object]:
    """Convert through JSON, as PostgreSQL stores it."""
    stored: dict[str, object] = json.loads(canonical_json(value))
    return stored


@given(units)
def test_unit_is_read_back_with_its_digest(unit: Unit) -> None:
    again = serialization.unit_from_json(kept(serialization.unit_to_json(unit)))
    assert again == unit
    assert (again.digest(), again.native_key) == (unit.digest(), unit.native_key)


@given(bodies)
def test_any_response_body_can_be_stored(body: object) -> None:
    answer = Response("publish", 200, {"x": "y"}, body, {"token": Sealed(b"\x00box")})
    again = serialization.answer_from_json(kept(serialization.answer_to_json(answer)))
    assert isinstance(again, Response)
    assert again.sealed == answer.sealed
    assert "\\u0000" not in json.dumps(again.body)


@pytest.mark.parametrize("answer", [StepNotSent("a", "refused"), StepAnswerLost("b", "reset")])
def test_missing_responses_are_read_back(answer: StepResult) -> None:
    assert serialization.answer_from_json(kept(serialization.answer_to_json(answer))) == answer


def test_body_nested_too_deeply_is_dropped() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    stored = serialization.answer_to_json(Response("publish", 200, {}, deep))
    assert stored["body"] is None


@pytest.mark.parametrize("outcome", OUTCOMES, ids=serialization.outcome_name)
def test_outcomes_are_read_back(outcome: Outcome) -> None:
    reason = serialization.outcome_reason(outcome)
    detail = kept(reason.to_json()) if reason else None
    again = serialization.outcome_from_json(
        serialization.outcome_name(outcome), kept(serialization.outcome_to_json(outcome)), detail
    )
    assert again == outcome


@pytest.mark.parametrize(
    "sighting",
    [
        Found("7", "u", AT),
        Absent(),
        Unknown(Message("a.word")),
        Failed(Message("a.word", {"code": "x"})),
    ],
)
def test_lookup_results_are_read_back(sighting: LookupResult) -> None:
    name, result = (
        serialization.outcome_name(sighting),
        kept(serialization.sighting_to_json(sighting)),
    )
    reason = serialization.outcome_reason(sighting)
    detail = kept(reason.to_json()) if reason else None
    assert serialization.sighting_from_json(name, result, detail) == sighting


def test_hostile_response_is_stored_without_invalid_characters(lea: World) -> None:
    """NUL and lone surrogates are valid JSON, but PostgreSQL cannot store them as text."""
    unit = replace(lea.unit("with \U0001f300"), viewer="")
    lea.publish(unit)
    with lea.scope() as scope:
        body = serialization.answer_to_json(Response("publish", 201, {}, {"id": "a\x00\ud800b"}))
        assert (
            scope.run(
                "SELECT CAST(:body AS jsonb) -> 'body' ->> 'id'", body=canonical_json(body).decode()
            ).scalar()
            == "a?b"
        )
