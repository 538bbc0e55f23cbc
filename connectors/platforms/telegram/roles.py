"""Who is in a channel or group of Telegram that people ask to be let into: letting in, and putting
out. Pure.

A bot adds nobody: it may approve what somebody asked for. Whoever is put out is banned for a moment
and may ask again. Source: https://core.telegram.org/bots/api#approvechatjoinrequest,
#banchatmember, #unbanchatmember
"""

from collections.abc import Mapping
from typing import Any

from connectors.contract.connector import Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Published, Rejected
from connectors.contract.reader_roles import READER_NOT_THERE, ROLE_ACTION
from connectors.platforms.telegram.destination import is_inside
from connectors.platforms.telegram.errors import description, outcome_of_failure, result
from connectors.platforms.telegram.requests import chat_id
from foundation.i18n.translation import Message

RIGHTS = ("can_invite_users", "can_restrict_members")
"""What an administrator needs to let people in and to put them out."""

MEMBER = "member"
DECLINE = "decline"
BAN = "ban"
UNBAN = "unban"
_SAID_NO = ("not enough rights", "chat_admin_required", "administrator rights")
_UNKNOWN = (
    "participant_id_invalid",
    "user_id_invalid",
    "user not found",
    "user_not_participant",
    "member not found",
)
_RUNS_IT = ("chat owner", "administrator of the chat", "user_admin_invalid")


def can_open(member: Mapping[str, Any]) -> bool:
    """Whether a bot, as a member of a chat, may let people in and put them out."""
    return all(member.get(right) is True for right in RIGHTS)


def set_role(fan: str, place: str, give: bool, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Let somebody into a place, or see that they are neither in it nor ask for it; both may be
    repeated."""
    given = {answer.step: answer for answer in answers}
    return _admit_member(fan, place, given) if give else _remove_member(fan, place, given)


def _admit_member(fan: str, place: str, given: Mapping[str, StepResult]) -> Send | Outcome:
    """Who did not ask may be inside all the same: an answer that was lost, or a person let them
    in."""
    if ROLE_ACTION not in given:
        return _build_request(ROLE_ACTION, "approveChatJoinRequest", fan, place)
    said = description(given[ROLE_ACTION])
    if result(given[ROLE_ACTION]) is True or "user_already_participant" in said:
        return Published(fan)
    if "channels_too_much" in said:  # they are in as many as one may be
        return Rejected(Message(READER_NOT_THERE), permanent=False)
    if "hide_requester_missing" not in said and not _is_unknown(given[ROLE_ACTION]):
        return _refusal_outcome(given[ROLE_ACTION])
    if MEMBER not in given:
        return _build_request(MEMBER, "getChatMember", fan, place)
    if is_inside(result(given[MEMBER])):
        return Published(fan)
    absent = result(given[MEMBER]) is not None or _is_unknown(given[MEMBER])
    return (
        Rejected(Message(READER_NOT_THERE), permanent=False)
        if absent
        else _refusal_outcome(given[MEMBER])
    )


def _remove_member(fan: str, place: str, given: Mapping[str, StepResult]) -> Send | Outcome:
    """What they ask for is declined first: a ban does not say what becomes of it. Nobody is left
    banned: killed in between, all of it is asked again."""
    if DECLINE not in given:
        return _build_request(DECLINE, "declineChatJoinRequest", fan, place)
    asked_nothing = "hide_requester_missing" in description(given[DECLINE]) or _is_already_member(
        given[DECLINE]
    )
    if result(given[DECLINE]) is not True and not asked_nothing and not _is_unknown(given[DECLINE]):
        return _refusal_outcome(given[DECLINE])
    if BAN not in given:
        return _build_request(BAN, "banChatMember", fan, place)
    if _is_unknown(given[BAN]):
        return Published(fan)
    if result(given[BAN]) is not True:
        return _refusal_outcome(given[BAN])
    if UNBAN not in given:
        return _build_request(UNBAN, "unbanChatMember", fan, place, only_if_banned=True)
    return Published(fan) if result(given[UNBAN]) is True else _refusal_outcome(given[UNBAN])


def _is_already_member(answer: StepResult) -> bool:
    return "user_already_participant" in description(answer)


def _is_unknown(answer: StepResult) -> bool:
    return any(words in description(answer) for words in _UNKNOWN)


def _refusal_outcome(answer: StepResult) -> Outcome:
    """A right the bot lacks here says nothing about the account: posting needs another one."""
    said = description(answer)
    if any(words in said for words in _RUNS_IT):
        return Rejected(Message("telegram.runs_the_place"), permanent=False)
    if any(words in said for words in _SAID_NO):
        return Rejected(Message("telegram.no_door_right"), permanent=False)
    return outcome_of_failure(answer, creates=False)


def _build_request(name: str, method: str, fan: str, place: str, **more: bool) -> Send:
    body = {"chat_id": chat_id(place), "user_id": int(fan), **more}
    action = "look" if name == MEMBER else ROLE_ACTION
    return Send(
        WireStep(
            name,
            StepKind.CONTROL,
            "POST",
            f"/bot{{token}}/{method}",
            body,
            token="path",
            action=action,
        )
    )
