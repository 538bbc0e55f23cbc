"""The meaning of failed, lost and unreadable responses on platforms that use HTTP status codes.
Connectors handle their special cases first."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
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

MAX_RETRY_WAIT = timedelta(days=7)
"""Maximum delay. A longer Retry-After is considered an error of the platform."""


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

_INSTANTS = 10**9
_LAST = 10**11
"""The largest possible Unix time. Numbers from `_INSTANTS` upwards are Unix times in seconds,
smaller ones are durations."""

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

_WINDOWS = ("x-app-limit-24hour", "x-user-limit-24hour", "x-rate-limit")
"""Header prefixes of X's rate limit windows. The exhausted one has `-remaining: 0` and its end in
`-reset`."""

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


def retry_after(headers: Mapping[str, str], default: timedelta = RATE_WINDOW) -> timedelta:
    """Return the delay after a 429 response: Retry-After in seconds or as an HTTP date (RFC 9110,
    10.2.3), relative to the response's `date`.

    If it is missing, use `ratelimit-reset` (a number of seconds or, if large, a Unix time), then
    X's header of the exhausted window, then `x-ratelimit-reset`, in the same formats or, as on
    Mastodon, in ISO 8601.
    """
    asked = headers.get("retry-after", "").strip()
    reset = headers.get("ratelimit-reset", "").strip()
    used_up = (name for name in _WINDOWS if headers.get(f"{name}-remaining", "").strip() == "0")
    reset = reset or next((headers.get(f"{name}-reset", "").strip() for name in used_up), "")
    named = headers.get("x-ratelimit-reset", "").strip()
    reset = reset or (named if _is_number(named) else "")
    if _is_number(asked):
        # The inner limit prevents an overflow of timedelta.
        return min(timedelta(seconds=min(int(asked), 10**7)), MAX_RETRY_WAIT)
    if not asked and _is_number(reset) and int(reset) < _INSTANTS:
        return min(timedelta(seconds=int(reset)), MAX_RETRY_WAIT)
    until = _http_date(asked) if asked else from_unix_seconds(reset) or _parse_iso(named)
    now = _http_date(headers.get("date", ""))
    if until is None or now is None:
        return default
    return min(max(until - now, SHORT_RETRY), MAX_RETRY_WAIT)


def requested_wait(answer: Response) -> timedelta | None:
    """Return the delay that a refusal requests in its headers or body, whichever is longer, or
    None.

    Discord sends `retry_after` as a decimal number of seconds, Telegram sends it in `parameters`:
    https://docs.discord.com/developers/topics/rate-limits#exceeding-a-rate-limit,
    https://core.telegram.org/bots/api#responseparameters
    """
    nothing = timedelta(0)
    body = answer.body if isinstance(answer.body, dict) else {}
    parameters = body.get("parameters")
    inner = parameters if isinstance(parameters, dict) else {}
    waits = (
        retry_after(answer.headers, nothing),
        *(_seconds_or_zero(said.get("retry_after")) for said in (body, inner)),
    )
    return max(waits) if max(waits) > nothing else None


def _seconds_or_zero(value: object) -> timedelta:
    """Parse a number of seconds, as a number or as digits; return zero for anything else."""
    if isinstance(value, str) and _is_number(value.strip()):
        value = int(value.strip())
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        return timedelta(0)
    return min(timedelta(seconds=min(value, 10**7)), MAX_RETRY_WAIT)


def is_app_wide_limit(answer: Response) -> bool:
    """Return True if a refusal applies to all accounts of the application, or to our IP address.

    Discord sends `global` in the body or as the limit's scope, and a Bluesky server names its
    policy for IP addresses. Meta uses error 4:
    https://developers.facebook.com/docs/graph-api/overview/rate-limiting. X has a daily limit for
    the application and returns 402 without credits. Fanvue returns 410 for an expired API version.
    All of Reddit's limits apply to the application. YouTube, TikTok and the sandbox have error
    codes for such limits.
    """
    if not 400 <= answer.status < 500:
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
    day = answer.headers.get(f"{_WINDOWS[0]}-remaining", "").strip() == "0"
    everywhere = (
        body.get("global") is True
        or told == "global"
        or policy == BLUESKY_IP_POLICY
        or error == APP_LIMIT_CODE
    )
    application = day or REDDIT_COUNTS in answer.headers
    if answer.status == 410 and "version" in str(error).lower():
        return True
    return answer.status == 402 or (answer.status == 429 and (everywhere or application))


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
    messages = answer.step == MESSAGE_STEP and _WINDOWS[-1] + "-remaining" in answer.headers
    return messages or (answer.step == CROSSPOST_STEP and not is_app_wide_limit(answer))


def limit_scope(answer: Response) -> Literal["account", "app"]:
    """Return the scope of a limit."""
    return "app" if is_app_wide_limit(answer) else "account"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 1000


def from_unix_seconds(seconds: str) -> datetime | None:
    """Return a time from Unix seconds (UTC-aware), or None if it is not a number."""
    return datetime.fromtimestamp(min(int(seconds), _LAST), UTC) if _is_number(seconds) else None


def parse_timestamp(text: object) -> datetime | None:
    """Return a time from a JSON value (UTC-aware), or None if it is invalid or has no time zone."""
    at = _iso_or_none(text) if isinstance(text, str) else None
    try:
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except OverflowError:  # outside the years that UTC can represent
        return None


def _iso_or_none(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _parse_iso(text: str) -> datetime | None:
    at = _iso_or_none(text)
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def response_date(answer: StepResult) -> datetime | None:
    """Return the time of a response by the server's clock (RFC 9110, 6.6.1), or None."""
    return _http_date(answer.headers.get("date", "")) if isinstance(answer, Response) else None


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
        case Response(status=429):
            return Retry(
                requested_wait(answer) or RATE_WINDOW,
                limit_scope(answer),
                Message("connectors.rate_limited"),
            )
        case Response(status=401):
            return Reauthorize(Message("connectors.token_refused"))
        case Response(status=403 | 404) if platform_error_code(answer) in account_gone:
            return Disconnected(
                Message("connectors.account_gone", {"word": platform_error_code(answer)})
            )
        case Response(status=status) if 400 <= status < 500 and status != 408:
            reason = Message(
                "connectors.refused", {"status": status, "word": platform_error_code(answer)}
            )
            return Rejected(reason, permanent=False)
        case Response(
            status=status
        ):  # 5xx, 408, a redirect, or an unreadable success: the request may have been accepted
            return _unclear_outcome(
                Message("connectors.unclear_answer", {"status": status}), creates=creates
            )


def _unclear_outcome(reason: Message, *, creates: bool) -> Outcome:
    return Uncertain(reason) if creates else Retry(SHORT_RETRY, "account", reason)
