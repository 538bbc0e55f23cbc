"""Requested wait of a 429 response, in its headers or its body."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from channels.limits import app_limits
from connectors.contract.connector import Response
from connectors.contract.outcomes import Retry
from connectors.platforms.discord import errors as discord
from connectors.platforms.telegram import errors as telegram
from connectors.shared.http_responses import MAX_RETRY_WAIT, requested_wait

SECONDS = st.floats(0.001, 500_000, allow_nan=False) | st.integers(1, 500_000)
SHAPES: dict[str, Any] = {
    "telegram": lambda wait: {
        "ok": False,
        "error_code": 429,
        "description": f"Too Many Requests: retry after {wait}",
        "parameters": {"retry_after": wait},
    },
    "discord": lambda wait: {
        "message": "You are being rate limited.",
        "retry_after": wait,
        "global": False,
    },
}


@given(SECONDS, st.sampled_from(sorted(SHAPES)), st.none() | st.integers(0, 500_000))
def test_wait_in_a_429_body_is_respected(wait: float, shape: str, header: int | None) -> None:
    headers = {"retry-after": str(header)} if header is not None else {}
    answer = Response("publish", 429, headers, SHAPES[shape](wait))
    asked = timedelta(seconds=max(wait, header or 0))
    assert app_limits.refusal_wait(answer, 1) == asked
    meaning = telegram if shape == "telegram" else discord
    outcome = meaning.outcome_of_failure(answer, creates=True)
    assert isinstance(outcome, Retry)
    assert outcome.after >= asked


VALUES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8)
JSON = VALUES | st.lists(VALUES, max_size=1) | st.dictionaries(st.just("retry_after"), VALUES)


@given(JSON, JSON)
def test_invalid_wait_in_a_body_is_ignored(said: Any, inner: Any) -> None:
    body = {"retry_after": said, "parameters": inner}
    wait = requested_wait(Response("publish", 429, {}, body))
    assert wait is None or timedelta(0) < wait <= MAX_RETRY_WAIT
    assert requested_wait(Response("publish", 429, {}, said)) is None or isinstance(said, dict)
