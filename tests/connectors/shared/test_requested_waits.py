"""The one reader of waits, over formats and clocks."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.limits import app_limits
from connectors.contract.connector import Response
from connectors.contract.outcomes import Retry
from connectors.platforms.discord import errors as discord
from connectors.platforms.meta import errors as meta
from connectors.platforms.reddit import responses as reddit
from connectors.platforms.telegram import errors as telegram
from connectors.platforms.tiktok import account as tiktok
from connectors.shared import rate_limits
from connectors.shared.requested_waits import (
    requested_wait,
    seconds_wait,
)
from foundation.http.retry_after import MAX_REQUESTED_WAIT, parse_http_date

MOST = MAX_REQUESTED_WAIT.total_seconds()
WHOLE = st.integers(1, int(MOST))
SECONDS = st.decimals(min_value="0.001", max_value=int(MOST), places=3)
CLOCKS = st.integers(1_010_000_000, 2_840_000_000).map(lambda at: datetime.fromtimestamp(at, UTC))
"""Clocks of servers, right or wrong by years."""

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _rfc850(at: datetime) -> str:
    return f"{DAYS[at.weekday()]}, {at:%d-%b-%y %H:%M:%S} GMT"


INSTANTS: dict[str, Any] = {
    "IMF-fixdate": lambda at: format_datetime(at, usegmt=True),
    "RFC 850": _rfc850,
    "asctime": lambda at: f"{at:%a %b} {at.day:2d} {at:%H:%M:%S %Y}",
    "seconds": lambda at: str(int(at.timestamp())),
    "fractional seconds": lambda at: f"{int(at.timestamp())}.000",
    "milliseconds": lambda at: str(int(at.timestamp()) * 1000),
    "microseconds": lambda at: str(int(at.timestamp()) * 10**6),
    "ISO 8601": lambda at: at.isoformat(),
    "ISO 8601 with Z": lambda at: f"{at:%Y-%m-%dT%H:%M:%S.000Z}",
    "ISO 8601 without a zone": lambda at: at.replace(tzinfo=None).isoformat(),
}
HEADERS = ("retry-after", "ratelimit-reset", "x-ratelimit-reset", "x-ratelimit-reset-after")
EXHAUSTED = ("x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour", "x-ratelimit")


def _refusal(headers: dict[str, str], body: Any = None) -> Response:
    return Response("publish", 429, headers, body)


@given(CLOCKS, WHOLE, st.sampled_from(sorted(INSTANTS)), st.sampled_from(HEADERS))
def test_instant_is_relative_to_the_servers_clock(
    clock: datetime, wait: int, form: str, header: str
) -> None:
    now = clock
    told = INSTANTS[form](now + timedelta(seconds=wait))
    headers = {header: f" {told} ", "date": format_datetime(now, usegmt=True)}
    assert requested_wait(_refusal(headers)) == timedelta(seconds=wait)


@given(SECONDS, st.sampled_from(HEADERS), st.none() | CLOCKS)
def test_duration_needs_no_clock(wait: Any, header: str, clock: datetime | None) -> None:
    date = {"date": format_datetime(clock, usegmt=True)} if clock is not None else {}
    assert requested_wait(_refusal({header: str(wait), **date})) == timedelta(
        milliseconds=int(wait * 1000)
    )


@given(CLOCKS, WHOLE, WHOLE, st.sampled_from(EXHAUSTED))
def test_exhausted_limit_outlasts_a_shorter_delay(
    clock: datetime, wait: int, delay: int, window: str
) -> None:
    now = clock
    reset = str(int(now.timestamp()) + wait)
    headers = {"date": format_datetime(now, usegmt=True), "retry-after": str(delay)}
    limits = {f"{window}-remaining": "0", f"{window}-reset": reset}
    assert requested_wait(_refusal(headers | limits)) == timedelta(seconds=max(wait, delay))
    limits[f"{window}-remaining"] = "3"
    assert requested_wait(_refusal(headers | limits)) == timedelta(seconds=delay)


TOO_FAR = st.sampled_from(
    [
        "90001", "3600000", "604800000", "9" * 40, "9" * 400, "9" * 9000, "-5", "soon", "", "0",
        "0.0", "nan", "inf", "1e3", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00",
        "Thu, 01 Jan 2099 00:05:00 GMT", f"Thu, 01 Jan {'9' * 20} 00:00:00 GMT", "4102444800",
        "4102444800000", "1000000000",
    ]
)  # fmt: skip


@given(TOO_FAR, st.sampled_from(HEADERS), st.booleans())
def test_impossible_wait_counts_as_missing(told: str, header: str, dated: bool) -> None:
    headers = {header: told} | ({"date": "Thu, 01 Jan 2026 00:00:00 GMT"} if dated else {})
    answer = _refusal(headers, {"retry_after": told})
    assert requested_wait(answer) is None
    assert app_limits.refusal_wait(answer, 1) == app_limits.MIN_REFUSAL_WAIT
    assert requested_wait(_refusal(headers, {"retry_after": 7})) == timedelta(seconds=7)


VALUES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8)
JSON = VALUES | st.lists(VALUES, max_size=1) | st.dictionaries(st.just("retry_after"), VALUES)
NAMES = st.sampled_from((*HEADERS, "date", "x-business-use-case-usage"))


@given(JSON, JSON, st.dictionaries(NAMES, st.text(max_size=30)))
def test_wait_is_always_within_the_bound(said: Any, inner: Any, headers: dict[str, str]) -> None:
    for body in ({"retry_after": said, "parameters": inner, "json": inner}, said):
        wait = requested_wait(Response("publish", 429, headers, body))
        assert wait is None or timedelta(0) < wait <= MAX_REQUESTED_WAIT


LIMITED: dict[str, Any] = {
    "telegram": (
        telegram.outcome_of_failure,
        lambda wait: {"ok": False, "error_code": 429, "parameters": {"retry_after": wait}},
    ),
    "discord": (discord.outcome_of_failure, lambda wait: {"retry_after": wait, "global": False}),
}


@given(SECONDS, st.sampled_from(sorted(LIMITED)), st.none() | WHOLE)
def test_wait_in_a_body_is_respected(wait: Any, platform: str, header: int | None) -> None:
    meaning, body = LIMITED[platform]
    headers = {"retry-after": str(header)} if header is not None else {}
    outcome = meaning(Response("publish", 429, headers, body(float(wait))), creates=True)
    assert isinstance(outcome, Retry)
    assert outcome.after >= timedelta(milliseconds=int(max(wait, header or 0) * 1000))


ACCEPTED: dict[str, Any] = {
    "telegram": (telegram.outcome_of_failure, LIMITED["telegram"][1](300)),
    "tiktok": (tiktok.outcome_of_failure, {"error": {"code": "rate_limit_exceeded"}}),
}


@pytest.mark.parametrize("platform", ACCEPTED)
@pytest.mark.parametrize("creates", [True, False])
def test_limit_with_status_200_is_a_limit(platform: str, creates: bool) -> None:
    meaning, body = ACCEPTED[platform]
    outcome = meaning(Response("publish", 200, {"retry-after": "300"}, body), creates=creates)
    assert isinstance(outcome, Retry)
    assert outcome.after == timedelta(seconds=300)


def test_waits_of_meta_and_reddit() -> None:
    usage = '{"1":[{"estimated_time_to_regain_access":7},{"estimated_time_to_regain_access":9}]}'
    limited = Response("look", 400, {"x-business-use-case-usage": usage}, {"error": {"code": 17}})
    outcome = meta.outcome_of_failure(limited, creates=False)
    assert isinstance(outcome, Retry)
    assert outcome.after == timedelta(minutes=9)
    asked = reddit.refusal_outcome(["RATELIMIT", "", ""], 119.5)
    assert isinstance(asked, Retry)
    assert asked.after == timedelta(seconds=119.5)
    assert seconds_wait(10**9) is None


def test_reset_of_a_window_is_read_like_a_wait() -> None:
    x = rate_limits.RATE_LIMITS["x"][0]
    for reset in ("1767226200", "1767226200000", "600", "2026-01-01T00:10:00Z"):
        headers = {
            "x-rate-limit-limit": "100",
            "x-rate-limit-remaining": "0",
            "x-rate-limit-reset": reset,
            "date": "Thu, 01 Jan 2026 00:00:00 GMT",
        }
        reading = rate_limits.read_limit_headers(x, Response("publish", 200, headers, {}))
        assert reading is not None
        assert reading.after == timedelta(minutes=10), reset


@given(CLOCKS)
def test_all_http_dates_are_read(clock: datetime) -> None:
    at = clock
    for form in ("IMF-fixdate", "RFC 850", "asctime"):
        assert parse_http_date(INSTANTS[form](at)) == at
