"""Announcement channels of Discord: a message is shown once more on every server that follows the channel. Pure.

It is done once: a message bears a flag from then on, and a second time is refused by a number of its own. Ten are
passed on in an hour. Where it is deleted, those servers show that it was. Nobody tells which servers these are, nor who
may read them.
Source: https://docs.discord.com/developers/resources/message#crosspost-message, #message-object-message-flags
"""

from connectors.answers import CROSSPOST, segment
from connectors.contract import Answer, Response, Send, Sought, StepKind
from connectors.discord_asking import step
from connectors.discord_connecting import ANNOUNCEMENT
from connectors.discord_ids import is_id, moment, place
from connectors.discord_meaning import UNKNOWN_MESSAGE, code, said
from connectors.outcomes import Absent, Disconnected, Found, Outcome, Published, Rejected, Sighting, Uncertain, Unknown
from foundation.words import Message
from gate.units import Unit

OPTION, FOLLOWERS = "crosspost", "discord.followers"
PLACE, LOOK = "place", "look"
PASSED = "passed-"
"""How the native id of such a copy begins; the message's follows: it is no other message."""

CROSSPOSTED = 1 << 0
"""The flag of a message that was passed on."""

ALREADY, WRONG_PLACE = 40033, frozenset({50024, 50068})
"""It was passed on before; nothing is passed on from there."""

_NOT_THERE = Message("discord.not_announcement")


def followed(unit: Unit, last: Answer | None) -> Send | Outcome | None:
    """Before a message is made that is to be passed on: whether servers may follow its channel at all. Asked as what
    goes ahead of content is, so that it is decided before whether any of it may leave."""
    if last is None:
        path = f"/channels/{segment(place(unit.account).channel)}"
        return Send(step(PLACE, StepKind.STAGE, "GET", path))
    if not isinstance(last, Response) or not last.ok or not isinstance(last.body, dict):
        return said(last, creates=False)
    return None if last.body.get("type") == ANNOUNCEMENT else Rejected(_NOT_THERE, permanent=False)


def next_turn(unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
    """Pass the message on that stands above, or tell what came of it. A unit without one is only weighed."""
    if not answers:
        path = f"{_path(unit.account, unit.reply_to)}/crosspost"
        return Send(step(CROSSPOST, StepKind.PUBLISH, "POST", path))
    last, copy = answers[-1], Published(f"{PASSED}{unit.reply_to}", place(unit.account).url(unit.reply_to))
    if isinstance(last, Response) and last.ok:
        told = last.body if isinstance(last.body, dict) else {}
        done = told.get("id") == unit.reply_to and _is_passed(told.get("flags"))
        return copy if done else Uncertain(Message("connectors.unclear_answer", {"status": last.status}))
    match code(last):
        case number if number == ALREADY:
            return copy
        case number if number in WRONG_PLACE:
            return Rejected(_NOT_THERE, permanent=False)
        case number if number == UNKNOWN_MESSAGE:
            return Rejected(Message("connectors.above_gone"), permanent=True)
    outcome = said(last, creates=True)
    # the message itself went there a moment ago: it is this alone that is not allowed
    return Rejected(Message("discord.not_passed_on"), False) if isinstance(outcome, Disconnected) else outcome


def find(sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
    """Whether the message says that it was passed on."""
    if not answers:
        path = _path(sought.account, sought.reply_to)
        return Send(step(LOOK, StepKind.CONTROL, "GET", path, action=LOOK))
    last = answers[-1]
    told = last.body if isinstance(last, Response) and last.ok and isinstance(last.body, dict) else {}
    if told.get("id") != sought.reply_to or not isinstance(told.get("flags"), int):
        return Unknown(Message("connectors.lookup_failed"))
    if not _is_passed(told["flags"]):
        return Absent()
    number = sought.reply_to
    return Found(f"{PASSED}{number}", place(sought.account).url(number), moment(number) if is_id(number) else None)


def _is_passed(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & CROSSPOSTED)


def _path(account: str, message: str) -> str:
    return f"/channels/{segment(place(account).channel)}/messages/{segment(message)}"
