"""The meaning of failed, lost and unreadable responses on platforms that use HTTP status codes.
Connectors handle their special cases first."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from connectors.contract.connector import Response, StepAnswerLost, StepNotSent, StepResult
from connectors.contract.edits import EDITED_POST_GONE
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.shared.requested_waits import (
    requested_wait,
    response_clock,
)
from foundation.http.retry_after import MAX_UNIX_SECONDS, parse_iso_time
from foundation.i18n.translation import Message


def edit_outcome(
    answer: StepResult, native_id: str, *, gone: frozenset[int] = frozenset({404, 410})
) -> Outcome:
    """Return the outcome of an edit, or of the look-up before it.

    It is `Published` for a success and Rejected for a deleted post, which the statuses `gone`
    indicate.
    """
    if isinstance(answer, Response) and answer.is_success:
        return Published(native_id)
    if isinstance(answer, Response) and answer.status in gone:
        return Rejected(Message(EDITED_POST_GONE), permanent=True)
    return outcome_of_status(answer, creates=False)


SHORT_RETRY = timedelta(seconds=2)
"""Delay before the first retry of a request that certainly created nothing. It doubles with each
further retry."""

RATE_WINDOW = timedelta(seconds=60)
"""Delay after a 429 response that states no time."""

MESSAGE_STEP = "message"
"""Name of the step that sends a message, on platforms that count or charge messages separately."""

CROSSPOST_STEP = "crosspost"
"""Name of the step that crossposts, on platforms that count crossposts separately."""

NO_PUBLIC_ADDRESS = "no_public_address"
"""Detail of a step that was not sent, because the platform would download its file and this
installation has no public address."""

ADDRESS_ELSEWHERE = "address_elsewhere"
"""Detail of an upload that was not sent, because the upload URL in the response is invalid or not
on the platform's hosts."""

META_APP_RATE = 4
BLUESKY_IP_POLICY = "3000;w=300"
APP_LIMIT_CODE = "application_limited"
"""The sandbox's error code for a limit beyond one account. `META_APP_RATE` is that of Meta, and
`BLUESKY_IP_POLICY` the policy of a Bluesky server for IP addresses."""

GOOGLE_APP_LIMITS = frozenset({"quotaExceeded", "dailyLimitExceeded", "rateLimitExceeded"})
"""Google's error reasons for limits of an application."""

TIKTOK_APP_LIMITED = "reached_active_user_cap"
"""TikTok's error code for a limit of the application: until it is audited, it may post for five
users per day."""

REDDIT_COUNTS = "x-ratelimit-used"
"""A header that identifies Reddit; no other supported platform reports the used part of a limit."""

X_APP_WINDOW = "x-app-limit-24hour"
X_ENDPOINT_WINDOW = "x-rate-limit"
"""Header prefixes of X's limits of the application and of one endpoint."""

REFUSING_STATUSES = frozenset(
    {400, 401, 402, 403, 404, 405, 410, 411, 413, 414, 415, 422, 429, 431, 451}
)
"""Statuses which prove that a request was not accepted: platforms document them as refusals that
precede any processing. After every other failure the request may have been accepted, such as 408,
409, 425, those of proxies (460, 499, 520 to 530), unknown ones, redirects and 5xx."""

IN_TRANSIT_STATUSES = frozenset({408, 425, 460, 499})
"""Statuses of 4xx that state only that the request or its response was lost or too early."""

LIMIT_CODES = frozenset({"rate_limit_exceeded"})
"""TikTok's error code for a rate limit, which counts like status 429 with any status."""

CONNECT_ERRORS = frozenset({"ConnectError", "ConnectTimeout"})
"""Details of unsent requests whose host was unreachable (names of httpx exceptions). All other
details are defined by Greenroom."""

READER_GONE = "connectors.reader_gone"
"""Message code: the reader of a message blocked the account or was deleted; the account itself is
not affected."""


def quote_segment(value: str) -> str:
    """Return `value` quoted as one path segment or one query value."""
    return quote(value, safe="")


def json_body(answer: StepResult) -> dict[str, Any]:
    """Return the JSON object of a response, including error responses, or an empty one."""
    return answer.body if isinstance(answer, Response) and isinstance(answer.body, dict) else {}


def success_body(answer: StepResult) -> dict[str, Any]:
    """Return the JSON object of a successful response, or an empty one."""
    return json_body(answer) if isinstance(answer, Response) and answer.is_success else {}


def is_app_wide_limit(answer: Response) -> bool:
    """Return True if a refusal applies to all accounts of the application, or to our IP address.

    Discord sends `global` in the body or as the limit's scope, and a Bluesky server names its
    policy for IP addresses. Meta uses error 4:
    https://developers.facebook.com/docs/graph-api/overview/rate-limiting. X has a daily limit for
    the application and returns 402 without credits. Fanvue returns 410 for an expired API version.
    All of Reddit's limits apply to the application. YouTube, TikTok and the sandbox have error
    codes for such limits.
    """
    status = stated_status(answer)
    if not 400 <= status < 500:
        return False
    body = answer.body if isinstance(answer.body, dict) else {}
    error = body.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if code in (META_APP_RATE, TIKTOK_APP_LIMITED) or GOOGLE_APP_LIMITS & google_error_reasons(
        body
    ):
        return True
    told = answer.headers.get("x-ratelimit-scope")
    policy = answer.headers.get("ratelimit-policy")
    day = answer.headers.get(f"{X_APP_WINDOW}-remaining", "").strip() == "0"
    everywhere = (
        body.get("global") is True
        or told == "global"
        or policy == BLUESKY_IP_POLICY
        or error == APP_LIMIT_CODE
    )
    application = day or REDDIT_COUNTS in answer.headers
    if status == 410 and "version" in str(error).lower():
        return True
    return status == 402 or (status == 429 and (everywhere or application))


def restage_uploads() -> Retry:
    """Return the outcome for staged files that the platform has deleted: all are uploaded again."""
    return Retry(SHORT_RETRY, "account", Message("connectors.uploads_gone"), uploads_gone=True)


def google_error_reasons(body: Mapping[str, Any]) -> frozenset[str]:
    """Return the reasons in a Google error response
    (https://cloud.google.com/apis/design/errors#http_mapping, older format)."""
    error = body.get("error")
    listed = error.get("errors") if isinstance(error, dict) else None
    found = (
        [one.get("reason") for one in listed if isinstance(one, dict)]
        if isinstance(listed, list)
        else []
    )
    return frozenset(word for word in found if isinstance(word, str))


def is_chat_limit(answer: Response) -> bool:
    """Return True if a limit may apply to a single chat, so that other chats need not wait.

    Telegram limits a bot to about one message per second in a chat and 30 per second overall; its
    error does not distinguish them.
    https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
    """
    body = answer.body if isinstance(answer.body, dict) else {}
    return body.get("ok") is False and body.get("error_code") == 429


def is_endpoint_limit(answer: Response) -> bool:
    """Return True if a limit applies to one kind of request, so that other kinds need not wait.

    X counts each endpoint separately, so refused messages do not affect posts or reads:
    https://docs.x.com/x-api/fundamentals/rate-limits. Discord does too; crossposts have a low limit
    of about ten per hour: https://docs.discord.com/developers/topics/rate-limits
    """
    messages = answer.step == MESSAGE_STEP and f"{X_ENDPOINT_WINDOW}-remaining" in answer.headers
    return messages or (answer.step == CROSSPOST_STEP and not is_app_wide_limit(answer))


def limit_scope(answer: Response) -> Literal["account", "app"]:
    """Return the scope of a limit."""
    return "app" if is_app_wide_limit(answer) else "account"


def from_unix_seconds(seconds: str) -> datetime | None:
    """Return a time from Unix seconds (UTC-aware), or None if it is not a number."""
    is_number = seconds.isascii() and seconds.isdigit() and len(seconds) < 1000
    return datetime.fromtimestamp(min(int(seconds), MAX_UNIX_SECONDS), UTC) if is_number else None


def parse_timestamp(text: object) -> datetime | None:
    """Return a time from a JSON value (UTC-aware), or None if it is invalid or has no time zone."""
    at = parse_iso_time(text) if isinstance(text, str) else None
    try:
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except OverflowError:  # outside the years that UTC can represent
        return None


def response_date(answer: StepResult) -> datetime | None:
    """Return the time of a response by the server's clock (RFC 9110, 6.6.1), or None."""
    return response_clock(answer) if isinstance(answer, Response) else None


def clock_lead(answer: StepResult, now: datetime) -> timedelta:
    """Return the time by which `now` is ahead of the server's clock; zero if it is behind or
    unknown."""
    theirs = response_date(answer)
    return max(now - theirs, timedelta()) if theirs is not None else timedelta()


def platform_error_code(answer: Response) -> str:
    """Return the `error` code in a response, or `http_<status>`. Free text is never returned."""
    word = answer.body.get("error", "") if isinstance(answer.body, dict) else ""
    if isinstance(word, str) and word.isascii() and word.replace("_", "").isalnum():
        return word.lower()[:60]
    return f"http_{answer.status}"


def outcome_of_status(
    answer: StepResult, *, creates: bool, account_gone: frozenset[str] = frozenset()
) -> Outcome:
    """Return the outcome of an answer that is not a success.

    With `creates`, the step publishes content, so an unclear answer is Uncertain; otherwise it is a
    Retry. `account_gone` are the error codes of a 403 or 404 that concern the account instead of
    the content.
    """
    match answer:
        case StepNotSent(detail=detail) if detail == NO_PUBLIC_ADDRESS:
            return Rejected(Message("connectors.no_public_address"), permanent=False)
        case StepNotSent(detail=detail) if detail == ADDRESS_ELSEWHERE:
            return Rejected(Message("connectors.address_elsewhere"), permanent=False)
        case StepNotSent(detail=detail):
            return Retry(SHORT_RETRY, "account", Message("connectors.not_sent", {"detail": detail}))
        case StepAnswerLost(detail=detail):
            return _unclear_outcome(
                Message("connectors.answer_lost", {"detail": detail}), creates=creates
            )
        case Response():
            return _response_outcome(
                answer, stated_status(answer), creates=creates, account_gone=account_gone
            )


def _response_outcome(
    answer: Response, status: int, *, creates: bool, account_gone: frozenset[str]
) -> Outcome:
    if creates and not proves_refusal(answer):
        return _unclear_outcome(
            Message("connectors.unclear_answer", {"status": status}), creates=True
        )
    if status == 429:
        return Retry(
            requested_wait(answer) or RATE_WINDOW,
            limit_scope(answer),
            Message("connectors.rate_limited"),
        )
    if status == 401:
        return Reauthorize(Message("connectors.token_refused"))
    word = platform_error_code(answer)
    if status in (403, 404) and word in account_gone:
        return Disconnected(Message("connectors.account_gone", {"word": word}))
    if 400 <= status < 500 and status not in IN_TRANSIT_STATUSES:
        return Rejected(
            Message("connectors.refused", {"status": status, "word": word}), permanent=False
        )
    return _unclear_outcome(Message("connectors.unclear_answer", {"status": status}), creates=False)


def stated_status(answer: Response) -> int:
    """Return the status of a response, or the error status that its body states although the
    response has status 2xx.

    Telegram states it in `error_code`, Reddit in `error`, X in `status` beside a `title`, Google in
    `error.code` beside a `status`. TikTok's error code for a rate limit counts as 429.
    """
    body = answer.body if isinstance(answer.body, dict) else {}
    if not 200 <= answer.status < 300:
        return answer.status
    error = body.get("error")
    inner = error if isinstance(error, dict) else {}
    if inner.get("code") in LIMIT_CODES:
        return 429
    stated = (
        body.get("error_code") if body.get("ok") is False else None,
        error,
        body.get("status") if "title" in body else None,
        inner.get("code") if "status" in inner else None,
    )
    numbers = (each for each in stated if isinstance(each, int) and not isinstance(each, bool))
    return next((number for number in numbers if 400 <= number < 600), answer.status)


def proves_refusal(answer: StepResult) -> bool:
    """Return True if an answer proves that the platform did not accept the request. A 429 does only
    if it states a wait or an error in JSON; an empty one or a page is from a proxy, which may send
    it afterwards."""
    if isinstance(answer, StepNotSent):
        return True
    if not isinstance(answer, Response) or stated_status(answer) not in REFUSING_STATUSES:
        return False
    known = isinstance(answer.body, dict) or requested_wait(answer) is not None
    return stated_status(answer) != 429 or known


def _unclear_outcome(reason: Message, *, creates: bool) -> Outcome:
    return Uncertain(reason) if creates else Retry(SHORT_RETRY, "account", reason)
