"""JSON bodies that two parsers may read differently are refused with 400."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.api_client import ApiClient, error_code
from web.api.common.errors import ApiError
from web.api.common.strict_json import check_json

VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
SURROGATES = st.integers(0xD800, 0xDFFF)


def refusal(body: bytes) -> str:
    with pytest.raises(ApiError) as refused:
        check_json(body)
    assert refused.value.status == 400
    return refused.value.message.code


@given(VALUES, st.booleans())
def test_ordinary_json_is_accepted(value: Any, ascii_only: bool) -> None:
    check_json(json.dumps(value, ensure_ascii=ascii_only).encode())


@given(st.text(max_size=4), VALUES, VALUES, st.sampled_from(["%s", "[1, %s]", '{"a": [%s]}']))
def test_duplicate_key_is_refused(name: str, one: Any, other: Any, around: str) -> None:
    """At every depth and for every escaping of the key."""
    plain = json.dumps(name, ensure_ascii=False)
    escaped = '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else c for c in name) + '"'
    body = f"{{{plain}: {json.dumps(one)}, {escaped}: {json.dumps(other)}}}"
    assert refusal((around % body if "%s" in around else body).encode()) == "api.repeated_key"


@given(SURROGATES, st.sampled_from(['"%s"', '["a", "%s"]', '{"%s": 1}', '{"a": {"b": "x%sy"}}']))
def test_lone_surrogate_is_refused(unit: int, around: str) -> None:
    """As an escape and as the three bytes that UTF-8 forbids."""
    assert refusal(around.replace("%s", f"\\u{unit:04x}").encode()) == "api.half_character"


@pytest.mark.parametrize(
    "body", [b'{"a": "\\ud83d\\ude00"}', '{"a": "😀"}'.encode(), b"{", b"\xff"]
)
def test_whole_characters_and_other_errors_pass_the_check(body: bytes) -> None:
    check_json(body)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"body": "a", "body": "b"}', "api.repeated_key"),
        (b'{"at": {"zone": "UTC", "zone": "Europe/Paris"}}', "api.repeated_key"),
        (b'{"body": "\\udc00"}', "api.half_character"),
        (b'{"at": NaN}', "api.unreadable"),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/posts"), ("POST", "/labels")])
def test_every_route_refuses_ambiguous_json(
    api: ApiClient, method: str, path: str, body: bytes, found: str
) -> None:
    answer = api.ask(method, path, body)
    assert (answer.status_code, error_code(answer)) == (400, found)
