"""Meaning of Discord's errors, by the `code` in the JSON of an error."""

from datetime import timedelta

from connectors.contract.connector import Response, StepResult
from connectors.contract.outcomes import Disconnected, Outcome, Reauthorize, Rejected, Retry
from connectors.shared.http_responses import (
    RATE_WINDOW,
    READER_GONE,
    SHORT_RETRY,
    limit_scope,
    outcome_of_status,
    proves_refusal,
)
from connectors.shared.requested_waits import requested_wait
from foundation.i18n.translation import Message

UNKNOWN_CHANNEL = 10003
UNKNOWN_GUILD = 10004
UNKNOWN_MESSAGE = 10008
CHANNEL_GONE_CODES = frozenset({UNKNOWN_CHANNEL, UNKNOWN_GUILD, 50001, 50013})
"""Errors for a missing channel or a missing permission of the bot for it: 50001 missing access,
50013 missing permissions."""

READER_UNREACHABLE_CODES = frozenset({50007, 50033, 50278, *CHANNEL_GONE_CODES})
"""Errors that concern one recipient: 50007 accepts no messages from the bot, 50033 unknown
recipient, 50278 no common server or a closed chat."""

TURNED_AWAY = 40333
TURNED_AWAY_FOR = timedelta(minutes=10)
"""Delay after Discord's edge refused a request with "internal network error", because of its user
agent or its network. Discord did not process the request:
https://github.com/discord/discord-api-docs/issues/6473"""

HARMFUL = frozenset({20009, 200000, 200001, 240000})
"""Errors for explicit content, words blocked by an administrator, or harmful links. The same
message will always be refused."""


def error_code(answer: StepResult) -> int:
    """Return the code of an error, or 0."""
    found = (
        answer.body.get("code")
        if isinstance(answer, Response) and isinstance(answer.body, dict)
        else 0
    )
    return found if isinstance(found, int) else 0


def is_unknown_message(answer: StepResult) -> bool:
    """Return True if Discord reports that the message does not exist in an accessible channel."""
    return (
        isinstance(answer, Response)
        and answer.status == 404
        and error_code(answer) == UNKNOWN_MESSAGE
    )


def outcome_of_failure(answer: StepResult, *, creates: bool, reader: bool = False) -> Outcome:
    """Return the outcome of a failure. `creates` is True if the request creates a message, `reader`
    if it is a direct message."""
    match answer:
        case Response(status=429) if proves_refusal(answer) or not creates:
            return _rate_limit_outcome(answer)
        case Response(status=401):
            return Reauthorize(Message("connectors.token_refused"))
        case Response(status=403) if error_code(answer) == TURNED_AWAY:
            return Retry(TURNED_AWAY_FOR, "account", Message("discord.turned_away"))
        case Response(status=400 | 403 | 404) if (
            reader and error_code(answer) in READER_UNREACHABLE_CODES
        ):
            return Rejected(Message(READER_GONE), permanent=True)
        case Response(status=403 | 404) if error_code(answer) in CHANNEL_GONE_CODES:
            return Disconnected(
                Message("connectors.account_gone", {"word": str(error_code(answer))})
            )
        case Response(status=400 | 403) if error_code(answer) in HARMFUL:
            return Rejected(_refusal_message(answer), permanent=True)
        case Response(status=status) if (
            error_code(answer) and 400 <= status < 500 and (proves_refusal(answer) or not creates)
        ):
            return Rejected(_refusal_message(answer), permanent=False)
        case _:
            return outcome_of_status(answer, creates=creates)


def _refusal_message(answer: Response) -> Message:
    return Message("connectors.refused", {"status": answer.status, "word": str(error_code(answer))})


def _rate_limit_outcome(answer: Response) -> Retry:
    """Return the Retry after a 429 response, which states the delay as a decimal number of seconds
    and whether it applies to the whole bot."""
    wait = requested_wait(answer) or RATE_WINDOW
    return Retry(max(wait, SHORT_RETRY), limit_scope(answer), Message("connectors.rate_limited"))
