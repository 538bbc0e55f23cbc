"""What a refused, missing or unreadable answer means when a platform keeps to HTTP; connectors add
their own cases."""

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
    """What the answer to a change, or to the look before it, meant on a platform that keeps to
    HTTP: `Published` for a success, a refusal for a copy that is `gone` (by status)."""
    if isinstance(answer, Response) and answer.is_success:
        return Published(native_id)
    if isinstance(answer, Response) and answer.status in gone:
        return Rejected(Message(EDITED_POST_GONE), permanent=True)
    return outcome_of_status(answer, creates=False)


SHORT_RETRY = timedelta(seconds=2)
"""Before the first repeat of what surely created nothing; whoever retries doubles it."""

RATE_WINDOW = timedelta(seconds=60)
"""After a 429 that does not say how long."""

MAX_RETRY_WAIT = timedelta(days=7)
"""A Retry-After past this is a mistake of theirs, not a plan."""


MESSAGE_STEP = "message"
"""The step that writes to one person where that is counted, or charged for, apart from posts."""

CROSSPOST_STEP = "crosspost"
"""The step that shows a post once more elsewhere, where that is counted apart from posts."""

NO_PUBLIC_ADDRESS = "no_public_address"
"""Why a step was not sent that a platform should fetch a file for: nobody outside can call this
installation."""

ADDRESS_ELSEWHERE = "address_elsewhere"
"""Why a file was not sent to an address that a platform told: it is none of theirs, or none at
all."""

_INSTANTS = 10**9
_LAST = 10**11
"""From here on a number is an instant, in seconds since 1970, and up to where it is a possible
one."""

META_APP_RATE = 4
BLUESKY_IP_POLICY = "3000;w=300"
APP_LIMIT_CODE = "application_limited"
"""How Meta, a Bluesky server and the sandbox say that a limit is not this account's alone."""

GOOGLE_APP_LIMITS = frozenset({"quotaExceeded", "dailyLimitExceeded", "rateLimitExceeded"})
"""Google's words for a limit of an application."""

TIKTOK_APP_LIMITED = "reached_active_user_cap"
"""TikTok's word for one: an application that it has not audited serves five people a day."""

REDDIT_COUNTS = "x-ratelimit-used"
"""No other platform of ours says how much of a limit is used up."""

_WINDOWS = ("x-app-limit-24hour", "x-user-limit-24hour", "x-rate-limit")
"""X counts several windows at once; the one that is used up says `-remaining: 0`, and when it ends,
in `-reset`."""

CONNECT_ERRORS = frozenset({"ConnectError", "ConnectTimeout"})
"""Details of a request that never left because the place could not be reached (httpx's names);
others are ours."""

READER_GONE = "connectors.reader_gone"
"""The one reader of a message takes none of ours any more, or has left: nothing else is wrong with
the account."""


def quote_segment(value: str) -> str:
    """`value` as one segment of a path or one value of a query: nothing of it can leave its
    place."""
    return quote(value, safe="")


def json_body(answer: StepResult) -> dict[str, Any]:
    """The JSON object of an answer, a refusal's too; nothing of one that is missing or no
    object."""
    return answer.body if isinstance(answer, Response) and isinstance(answer.body, dict) else {}


def success_body(answer: StepResult) -> dict[str, Any]:
    """The JSON object of a success; nothing of anything else."""
    return json_body(answer) if isinstance(answer, Response) and answer.is_success else {}


def retry_after(headers: Mapping[str, str], default: timedelta = RATE_WINDOW) -> timedelta:
    """How long a 429 asks us to wait: seconds or an HTTP date (RFC 9110, 10.2.3), read against
    their own `date`.

    Without that, their `ratelimit-reset`: seconds to wait or, as its size tells, since 1970; X's
    for the window that is used up; or `x-ratelimit-reset`, in the same ways, or an instant in ISO
    8601 as Mastodon has it.
    """
    asked = headers.get("retry-after", "").strip()
    reset = headers.get("ratelimit-reset", "").strip()
    used_up = (name for name in _WINDOWS if headers.get(f"{name}-remaining", "").strip() == "0")
    reset = reset or next((headers.get(f"{name}-reset", "").strip() for name in used_up), "")
    named = headers.get("x-ratelimit-reset", "").strip()
    reset = reset or (named if _is_number(named) else "")
    if _is_number(asked):
        return min(timedelta(seconds=min(int(asked), 10**7)), MAX_RETRY_WAIT)
    if not asked and _is_number(reset) and int(reset) < _INSTANTS:
        return min(timedelta(seconds=int(reset)), MAX_RETRY_WAIT)
    until = _http_date(asked) if asked else from_unix_seconds(reset) or _parse_iso(named)
    now = _http_date(headers.get("date", ""))
    if until is None or now is None:
        return default
    return min(max(until - now, SHORT_RETRY), MAX_RETRY_WAIT)


def requested_wait(answer: Response) -> timedelta | None:
    """Return how long a refusal asks us to wait, by its headers or its body, whichever is longer;
    None where it does not say.

    Discord says `retry_after` in seconds, as a decimal number; Telegram says it in `parameters`:
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
    """Read a number of seconds, or its digits; nothing for anything else."""
    if isinstance(value, str) and _is_number(value.strip()):
        value = int(value.strip())
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        return timedelta(0)
    return min(timedelta(seconds=min(value, 10**7)), MAX_RETRY_WAIT)


def is_app_wide_limit(answer: Response) -> bool:
    """Whether a refusal is for every account of the application we ask as, or of the address we ask
    from.

    Discord says `global`, in the body or as the limit's scope; a Bluesky server names its limit for
    an address; Meta has error 4,
    https://developers.facebook.com/docs/graph-api/overview/rate-limiting; the sandbox a word of its
    own. X counts an application's day, and answers 402 once its credits are used up; Fanvue 410
    where our version has ended. Reddit counts by application alone; YouTube and TikTok have words
    for it.
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
    """What was brought there ahead is not there any more: it is brought again."""
    return Retry(SHORT_RETRY, "account", Message("connectors.uploads_gone"), uploads_gone=True)


def google_error_reasons(body: Mapping[str, Any]) -> frozenset[str]:
    """Google's words for a refusal: https://cloud.google.com/apis/design/errors#http_mapping, in
    its older form."""
    error = body.get("error")
    listed = error.get("errors") if isinstance(error, dict) else None
    found = (
        [one.get("reason") for one in listed if isinstance(one, dict)]
        if isinstance(listed, list)
        else []
    )
    return frozenset(word for word in found if isinstance(word, str))


def is_chat_limit(answer: Response) -> bool:
    """Whether a platform's limits are those of each chat first, so that a refusal in one says
    nothing of the others.

    Telegram's are: about a message a second in a chat, and 30 a second of a bot in all of them; its
    answer names no other limit.
    https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
    """
    body = answer.body if isinstance(answer.body, dict) else {}
    return body.get("ok") is False and body.get("error_code") == 429


def is_endpoint_limit(answer: Response) -> bool:
    """Whether a limit is that of one kind of request alone, so that whoever was refused waits, and
    nobody else.

    X counts each kind by itself, so what was refused to one person says nothing of posts, nor of
    what may be read: https://docs.x.com/x-api/fundamentals/rate-limits. Discord limits each kind
    too, and passing on is the one that has little of it, some ten an hour:
    https://docs.discord.com/developers/topics/rate-limits
    """
    messages = answer.step == MESSAGE_STEP and _WINDOWS[-1] + "-remaining" in answer.headers
    return messages or (answer.step == CROSSPOST_STEP and not is_app_wide_limit(answer))


def limit_scope(answer: Response) -> Literal["account", "app"]:
    """Who a limit is for."""
    return "app" if is_app_wide_limit(answer) else "account"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 1000


def from_unix_seconds(seconds: str) -> datetime | None:
    """An instant of whole seconds since 1970, in UTC; None for what is no number."""
    return datetime.fromtimestamp(min(int(seconds), _LAST), UTC) if _is_number(seconds) else None


def parse_timestamp(text: object) -> datetime | None:
    """An instant of an answer's JSON, in UTC; None for what is none, or says no zone."""
    at = _iso_or_none(text) if isinstance(text, str) else None
    try:
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except OverflowError:  # of a year that there is not in UTC
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
    """When they answered, by their own clock (RFC 9110, 6.6.1)."""
    return _http_date(answer.headers.get("date", "")) if isinstance(answer, Response) else None


def clock_lead(answer: StepResult, now: datetime) -> timedelta:
    """How far `now`, by our clock, is ahead of theirs by an answer's `date`; nothing if behind."""
    theirs = response_date(answer)
    return max(now - theirs, timedelta()) if theirs is not None else timedelta()


def platform_error_code(answer: Response) -> str:
    """The platform's own word for the refusal (`error` of its JSON), or the status; never a
    sentence or a secret."""
    word = answer.body.get("error", "") if isinstance(answer.body, dict) else ""
    if isinstance(word, str) and word.isascii() and word.replace("_", "").isalnum():
        return word.lower()[:60]
    return f"http_{answer.status}"


def outcome_of_status(
    answer: StepResult, *, creates: bool, account_gone: frozenset[str] = frozenset()
) -> Outcome:
    """Say what an answer that is not a success meant.

    `creates`: the step makes something visible, so whatever may have been accepted is Uncertain;
    any other step is simply done again. `account_gone`: error words of a 403 or 404 that speak of
    the account, not of the content.
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
        ):  # 5xx, 408, a redirect, a success nobody can read: it may have been accepted
            return _unclear_outcome(
                Message("connectors.unclear_answer", {"status": status}), creates=creates
            )


def _unclear_outcome(reason: Message, *, creates: bool) -> Outcome:
    return Uncertain(reason) if creates else Retry(SHORT_RETRY, "account", reason)
