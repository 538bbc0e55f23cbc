"""Meaning of HTTP responses, case by case."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract.connector import Response, StepAnswerLost, StepNotSent, StepResult
from connectors.contract.outcomes import Disconnected, Reauthorize, Rejected, Retry, Uncertain
from connectors.shared.http_responses import (
    REFUSING_STATUSES,
    clock_lead,
    outcome_of_status,
    parse_timestamp,
    proves_refusal,
    quote_segment,
    stated_status,
)
from foundation.i18n.translation import LANGUAGES, load_catalogue

GONE = frozenset({"account_suspended"})


@pytest.mark.parametrize(
    ("answer", "creating", "redoable"),
    [
        (StepNotSent("s", "ConnectError"), Retry, Retry),
        (StepAnswerLost("s", "ReadTimeout"), Uncertain, Retry),
        (Response("s", 500), Uncertain, Retry),
        (Response("s", 503), Uncertain, Retry),
        (Response("s", 408), Uncertain, Retry),
        (Response("s", 302), Uncertain, Retry),
        (Response("s", 200, body=None), Uncertain, Retry),
        (Response("s", 429), Uncertain, Retry),
        (Response("s", 429, body="<html>"), Uncertain, Retry),
        (Response("s", 429, body={"error": "slow_down"}), Retry, Retry),
        (Response("s", 429, {"retry-after": "7.5"}), Retry, Retry),
        (Response("s", 409), Uncertain, Rejected),
        (Response("s", 425), Uncertain, Retry),
        (Response("s", 460), Uncertain, Retry),
        (Response("s", 499), Uncertain, Retry),
        (Response("s", 200, body={"ok": False, "error_code": 403}), Rejected, Rejected),
        (Response("s", 401), Reauthorize, Reauthorize),
        (Response("s", 400), Rejected, Rejected),
        (Response("s", 403, body={"error": "content_refused"}), Rejected, Rejected),
        (Response("s", 403, body={"error": "account_suspended"}), Disconnected, Disconnected),
        (Response("s", 404, body={"error": ["odd"]}), Rejected, Rejected),
        (Response("s", 422, body="text"), Rejected, Rejected),
    ],
)
def test_only_creating_steps_become_uncertain(
    answer: StepResult, creating: type, redoable: type
) -> None:
    assert isinstance(outcome_of_status(answer, creates=True, account_gone=GONE), creating)
    assert isinstance(outcome_of_status(answer, creates=False, account_gone=GONE), redoable)


BODIES: tuple[object, ...] = (None, "", "<html>", {}, [], {"error": "busy"}, {"error": 7})


@pytest.mark.parametrize("body", BODIES, ids=repr)
def test_only_documented_refusals_prove_that_nothing_was_accepted(body: object) -> None:
    for status in range(100, 600):
        answer = Response("s", status, body=body)
        known = status in REFUSING_STATUSES and (status != 429 or isinstance(body, dict))
        assert proves_refusal(answer) is known, status
        unclear = isinstance(outcome_of_status(answer, creates=True), Uncertain)
        assert unclear is not known, status
        assert not isinstance(outcome_of_status(answer, creates=False), Uncertain), status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"ok": False, "error_code": 429}, 429),
        ({"ok": True, "error_code": 429}, 200),
        ({"message": "Too Many Requests", "error": 429}, 429),
        ({"title": "Too Many Requests", "status": 429}, 429),
        ({"status": 429}, 200),
        ({"error": {"code": 503, "status": "UNAVAILABLE"}}, 503),
        ({"error": {"code": 506}}, 200),
        ({"error": {"code": "rate_limit_exceeded"}}, 429),
        ({"error": True}, 200),
        ({"error": 10**30}, 200),
        ([429], 200),
    ],
)
def test_error_status_in_a_successful_response_counts(body: object, status: int) -> None:
    assert stated_status(Response("s", 200, body=body)) == status
    assert stated_status(Response("s", 500, body=body)) == 500


@pytest.mark.parametrize(
    "said",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon", "2026-01-01", 7, None],
)
def test_impossible_timestamp_is_none(said: object) -> None:
    assert parse_timestamp(said) is None


def test_invalid_date_header_gives_no_clock_offset() -> None:
    """Anyone may run a Mastodon or Bluesky server, so its Date header may contain anything."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for date in (
        "",
        "soon",
        f"Thu, 01 Jan {'9' * 20} 00:00:00 GMT",
        f"Thu, 01 Jan 2026 00:00:00 +{'9' * 20}",
    ):
        assert clock_lead(Response("s", 200, {"date": date}), now) == timedelta()


def test_rejection_keeps_the_error_code_but_no_free_text() -> None:
    told = outcome_of_status(Response("s", 422, body={"error": "TEXT_TOO_LONG"}), creates=True)
    wordy = outcome_of_status(
        Response("s", 422, body={"error": "Dear user, <b>no</b>"}), creates=True
    )
    assert isinstance(told, Rejected)
    assert isinstance(wordy, Rejected)
    assert (told.reason.params["word"], wordy.reason.params["word"]) == (
        "text_too_long",
        "http_422",
    )


def test_quoted_segment_contains_no_separator() -> None:
    assert quote_segment("a/../b?c#d {account}%é") == "a%2F..%2Fb%3Fc%23d%20%7Baccount%7D%25%C3%A9"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_code_has_a_text(language: str) -> None:
    """The codes in the connectors and the texts in the catalogue are the same set."""
    import re
    from pathlib import Path

    import connectors

    sources = "".join(
        path.read_text() for path in Path(next(iter(connectors.__path__))).rglob("*.py")
    )
    codes = set(re.findall(r'(?<!log\()"((?:connectors|egress)\.[a-z_]+)"', sources))
    known = {
        code for code in load_catalogue(language) if code.startswith(("connectors.", "egress."))
    }
    assert codes == known
