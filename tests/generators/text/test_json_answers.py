"""Extraction and validation of the JSON in a model's answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.text import json_answers

REPLY: dict[str, object] = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "minLength": 1, "maxLength": 20},
        "offer_id": {"anyOf": [{"type": "string", "enum": ["o1", "o2"]}, {"type": "null"}]},
        "tags": {
            "type": "array",
            "maxItems": 2,
            "items": {"type": "string", "pattern": "^#[a-z]+$"},
        },
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "final": {"type": "boolean"},
    },
    "required": ["text", "confidence"],
    "additionalProperties": False,
}
GOOD = {"text": "Bonjour", "offer_id": None, "tags": ["#mer"], "confidence": 0.5, "final": True}


def test_valid_answer_has_no_errors() -> None:
    assert json_answers.schema_errors(GOOD, REPLY) == []
    assert json_answers.schema_errors({**GOOD, "offer_id": "o2", "confidence": 1}, REPLY) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"text": ""}, "$.text: minLength"),
        ({"text": "x" * 21}, "$.text: maxLength"),
        ({"text": 5}, "$.text: type"),
        ({"offer_id": "o9"}, "$.offer_id: anyOf"),
        ({"tags": ["#a", "#b", "#c"]}, "$.tags: maxItems"),
        ({"tags": ["Sea!"]}, "$.tags[0]: pattern"),
        ({"confidence": 1.2}, "$.confidence: maximum"),
        ({"confidence": True}, "$.confidence: type"),
        ({"final": 1}, "$.final: type"),
        ({"price": 9}, "$.price: unknown"),
    ],
)
def test_each_broken_rule_is_named(change: dict[str, object], fault: str) -> None:
    assert json_answers.schema_errors({**GOOD, **change}, REPLY) == [fault]


def test_missing_field_is_named() -> None:
    assert json_answers.schema_errors({"text": "a"}, REPLY) == ["$.confidence: required"]


_TEXTS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


@given(
    st.dictionaries(
        st.text(_TEXTS, max_size=5),
        st.one_of(st.text(_TEXTS, max_size=9), st.integers(), st.none()),
    ),
    st.text(alphabet="abc }.\n"),
)
def test_object_is_found_behind_other_text(value: dict[str, object], chatter: str) -> None:
    assert json_answers.parse_json_object(chatter + json.dumps(value) + chatter) == value


@given(st.text(max_size=60))
def test_broken_json_gives_none_or_an_object(text: str) -> None:
    assert json_answers.parse_json_object('{"text": "' + text.replace('"', "")) is None or True
    assert isinstance(json_answers.parse_json_object(text), dict | None)


def test_truncated_answer_is_none() -> None:
    assert json_answers.parse_json_object('{"text": "Bonj') is None


def test_characters_unsupported_by_databases_are_removed_at_any_depth() -> None:
    written = (
        '{"te\\u0000xt": "a\\u0000b \\ud83d\\ude00 \\ud83d", "list": [["\\udc00x"], {"k": '
        '"\\u0000"}], "n": 1}'
    )
    assert json_answers.parse_json_object(written) == {
        "text": "ab \U0001f600 ",
        "list": [["x"], {"k": ""}],
        "n": 1,
    }


@pytest.mark.parametrize("deep", [200, 900, 5_000])
def test_deeply_nested_brackets_do_not_crash(deep: int) -> None:
    found = json_answers.parse_json_object('{"a":' + "[" * deep + "]" * deep + "}")
    assert found is None or list(found) == ["a"]
