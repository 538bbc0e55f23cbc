"""Meaning of HTTP responses, case by case."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract.connector import Response, StepAnswerLost, StepNotSent, StepResult
from connectors.contract.outcomes import Disconnected, Reauthorize, Rejected, Retry, Uncertain
from connectors.shared.http_responses import (
    MAX_RETRY_WAIT,
    RATE_WINDOW,
    clock_lead,
    outcome_of_status,
    parse_timestamp,
    quote_segment,
    retry_after,
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
        (Response("s", 429), Retry, Retry),
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


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "90"}, 90),
        ({"retry-after": " 0 "}, 0),
        (
            {
                "retry-after": "Thu, 01 Jan 2026 00:05:00 GMT",
                "date": "Thu, 01 Jan 2026 00:00:00 GMT",
            },
            300,
        ),
        ({"retry-after": "Thu, 01 Jan 2026 00:05:00 GMT"}, RATE_WINDOW.total_seconds()),
        ({"retry-after": "9" * 400}, MAX_RETRY_WAIT.total_seconds()),
        ({"retry-after": "soon"}, RATE_WINDOW.total_seconds()),
        ({"retry-after": "-5"}, RATE_WINDOW.total_seconds()),
        ({"ratelimit-reset": "30"}, 30),
        ({"ratelimit-reset": "1767226200", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 600),
        ({"ratelimit-reset": "1767225000", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 2),
        ({"ratelimit-reset": "1767226200"}, RATE_WINDOW.total_seconds()),
        (
            {"ratelimit-reset": "9" * 400, "date": "Thu, 01 Jan 2026 00:00:00 GMT"},
            MAX_RETRY_WAIT.total_seconds(),
        ),
        (
            {
                "retry-after": "7",
                "ratelimit-reset": "1767226200",
                "date": "Thu, 01 Jan 2026 00:00:00 GMT",
            },
            7,
        ),
        ({"x-ratelimit-reset": "90"}, 90.0),
        ({"x-ratelimit-reset": "1767225900", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 300.0),
        (
            {
                "x-ratelimit-reset": "2026-01-01T00:05:00.5Z",
                "date": "Thu, 01 Jan 2026 00:00:00 GMT",
            },
            300.5,
        ),
        ({"x-ratelimit-reset": "2026-01-01T00:05:00.5Z"}, RATE_WINDOW.total_seconds()),
        (
            {"x-ratelimit-reset": "1767226200.5", "date": "Thu, 01 Jan 2026 00:00:00 GMT"},
            RATE_WINDOW.total_seconds(),
        ),
        ({"retry-after": "9" * 9000}, RATE_WINDOW.total_seconds()),
        ({"retry-after": f"Thu, 01 Jan {'9' * 20} 00:00:00 GMT"}, RATE_WINDOW.total_seconds()),
        (
            {
                "retry-after": "Thu, 01 Jan 2026 00:05:00 GMT",
                "date": f"Thu, 01 Jan {'9' * 20} 00:00:00 GMT",
            },
            60,
        ),
        (
            {
                "x-ratelimit-reset": "9999-12-31T23:59:59-14:00",
                "date": "Thu, 01 Jan 2026 00:00:00 GMT",
            },
            7 * 86_400,
        ),
        ({}, RATE_WINDOW.total_seconds()),
    ],
)
def test_retry_after_accepts_seconds_and_dates(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers) == timedelta(seconds=seconds)


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
