"""Crossposts of Discord announcement channels to the servers that follow them.

A message can be crossposted once. It has a flag afterwards, and a second attempt is refused with a
special error code. The limit is ten per hour. If the message is deleted, the following servers show
that it was deleted. Discord does not list these servers or their readers. Source:
https://docs.discord.com/developers/resources/message#crosspost-message,
#message-object-message-flags
"""

from connectors.contract.connector import LookupQuery, Response, Send, StepKind, StepResult
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Found,
    LookupResult,
    Outcome,
    Published,
    Rejected,
    Uncertain,
    Unknown,
)
from connectors.platforms.discord.account import ANNOUNCEMENT
from connectors.platforms.discord.errors import UNKNOWN_MESSAGE, error_code, outcome_of_failure
from connectors.platforms.discord.ids import is_id, parse_account, snowflake_time
from connectors.platforms.discord.requests import bot_request
from connectors.shared.http_responses import CROSSPOST_STEP, quote_segment
from foundation.i18n.translation import Message
from gate.contract.units import Unit

CROSSPOST_OPTION = "crosspost"
FOLLOWERS_SURFACE = "discord.followers"
PLACE = "place"
LOOK = "look"
CROSSPOST_PREFIX = "passed-"
"""The prefix of a crosspost's native ID. The ID of the message follows, since a crosspost is not a
separate message."""

CROSSPOSTED = 1 << 0
"""The flag of a crossposted message."""

ALREADY = 40033
WRONG_PLACE = frozenset({50024, 50068})
"""Errors for messages that cannot be crossposted from their channel. `ALREADY` is the error for a
repeat."""

_NOT_THERE = Message("discord.not_announcement")


def check_announcement_channel(unit: Unit, last: StepResult | None) -> Send | Outcome | None:
    """Check that the channel is an announcement channel, before the message is created.

    The request is a `STAGE` step, so it runs before the final decision about the content.
    """
    if last is None:
        path = f"/channels/{quote_segment(parse_account(unit.account).channel)}"
        return Send(bot_request(PLACE, StepKind.STAGE, "GET", path))
    if not isinstance(last, Response) or not last.is_success or not isinstance(last.body, dict):
        return outcome_of_failure(last, creates=False)
    return None if last.body.get("type") == ANNOUNCEMENT else Rejected(_NOT_THERE, permanent=False)


def next_step(unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Crosspost the message above, or return the outcome."""
    if not answers:
        path = f"{_message_path(unit.account, unit.reply_to)}/crosspost"
        return Send(bot_request(CROSSPOST_STEP, StepKind.PUBLISH, "POST", path))
    last = answers[-1]
    copy = Published(
        f"{CROSSPOST_PREFIX}{unit.reply_to}", parse_account(unit.account).url(unit.reply_to)
    )
    if isinstance(last, Response) and last.is_success:
        told = last.body if isinstance(last.body, dict) else {}
        done = told.get("id") == unit.reply_to and _is_passed(told.get("flags"))
        return (
            copy
            if done
            else Uncertain(Message("connectors.unclear_answer", {"status": last.status}))
        )
    match error_code(last):
        case number if number == ALREADY:
            return copy
        case number if number in WRONG_PLACE:
            return Rejected(_NOT_THERE, permanent=False)
        case number if number == UNKNOWN_MESSAGE:
            return Rejected(Message("connectors.above_gone"), permanent=True)
    outcome = outcome_of_failure(last, creates=True)
    # the message was accepted a moment ago, so only the crosspost is refused
    return (
        Rejected(Message("discord.not_passed_on"), False)
        if isinstance(outcome, Disconnected)
        else outcome
    )


def look_up(sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """Check the message's crosspost flag."""
    if not answers:
        path = _message_path(sought.account, sought.reply_to)
        return Send(bot_request(LOOK, StepKind.CONTROL, "GET", path, action=LOOK))
    last = answers[-1]
    told = (
        last.body
        if isinstance(last, Response) and last.is_success and isinstance(last.body, dict)
        else {}
    )
    if told.get("id") != sought.reply_to or not isinstance(told.get("flags"), int):
        return Unknown(Message("connectors.lookup_failed"))
    if not _is_passed(told["flags"]):
        return Absent()
    number = sought.reply_to
    return Found(
        f"{CROSSPOST_PREFIX}{number}",
        parse_account(sought.account).url(number),
        snowflake_time(number) if is_id(number) else None,
    )


def _is_passed(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & CROSSPOSTED)


def _message_path(account: str, message: str) -> str:
    return (
        f"/channels/{quote_segment(parse_account(account).channel)}/messages"
        f"/{quote_segment(message)}"
    )
