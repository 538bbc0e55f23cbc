"""What Discord's refusals mean, by the codes of its own table (`code` of an error's JSON)."""

from datetime import timedelta

from connectors.contract.connector import Response, StepResult
from connectors.contract.outcomes import Disconnected, Outcome, Reauthorize, Rejected, Retry
from connectors.shared.http_responses import (
    RATE_WINDOW,
    READER_GONE,
    SHORT_RETRY,
    limit_scope,
    outcome_of_status,
    requested_wait,
)
from foundation.i18n.translation import Message

UNKNOWN_CHANNEL = 10003
UNKNOWN_GUILD = 10004
UNKNOWN_MESSAGE = 10008
CHANNEL_GONE_CODES = frozenset({UNKNOWN_CHANNEL, UNKNOWN_GUILD, 50001, 50013})
"""The channel, or our right to it: 50001 missing access, 50013 missing permissions."""

READER_UNREACHABLE_CODES = frozenset({50007, 50033, 50278, *CHANNEL_GONE_CODES})
"""To one reader: 50007 they take no messages of ours, 50033 there is no such person, 50278 they
left every server where the bot is, or their chat is closed to us."""

TURNED_AWAY = 40333
TURNED_AWAY_FOR = timedelta(minutes=10)
"""Its edge let the request through to nobody: "internal network error", for how we call ourselves,
or from where we ask. Nothing of it was read.
https://github.com/discord/discord-api-docs/issues/6473"""

HARMFUL = frozenset({20009, 200000, 200001, 240000})
"""Explicit content, words an administrator forbids, harmful links: the same message is never
taken."""


def error_code(answer: StepResult) -> int:
    """Discord's number of a refusal; 0 without one."""
    found = (
        answer.body.get("code")
        if isinstance(answer, Response) and isinstance(answer.body, dict)
        else 0
    )
    return found if isinstance(found, int) else 0


def is_unknown_message(answer: StepResult) -> bool:
    """Whether Discord itself says that there is no such message in a channel that it shows us."""
    return (
        isinstance(answer, Response)
        and answer.status == 404
        and error_code(answer) == UNKNOWN_MESSAGE
    )


def outcome_of_failure(answer: StepResult, *, creates: bool, reader: bool = False) -> Outcome:
    """What an answer that is no success meant; `creates`: the request makes a message, `reader`:
    for one person."""
    match answer:
        case Response(status=429):
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
            error_code(answer) and 400 <= status < 500 and status != 408
        ):
            return Rejected(_refusal_message(answer), permanent=False)
        case _:
            return outcome_of_status(answer, creates=creates)


def _refusal_message(answer: Response) -> Message:
    return Message("connectors.refused", {"status": answer.status, "word": str(error_code(answer))})


def _rate_limit_outcome(answer: Response) -> Retry:
    """A 429 says how long to the fraction of a second, and whether it is for the whole bot."""
    wait = requested_wait(answer) or RATE_WINDOW
    return Retry(max(wait, SHORT_RETRY), limit_scope(answer), Message("connectors.rate_limited"))
