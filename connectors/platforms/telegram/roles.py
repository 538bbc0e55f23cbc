"""Membership in Telegram channels and groups that users request to join: accepting requests and
removing users.

A bot cannot add users; it can accept join requests. A removed user is banned for a moment and may
request to join again. Source: https://core.telegram.org/bots/api#approvechatjoinrequest,
#banchatmember, #unbanchatmember
"""

from collections.abc import Mapping
from typing import Any

from connectors.contract.connector import Send, StepKind, StepResult
from connectors.contract.outcomes import Outcome, Published, Rejected
from connectors.contract.reader_roles import READER_NOT_THERE, ROLE_ACTION
from connectors.platforms.telegram.bot_steps import BotCall, build_step, chat_id
from connectors.platforms.telegram.destination import is_inside
from connectors.platforms.telegram.errors import description, outcome_of_failure, result
from foundation.i18n.translation import Message

RIGHTS = ("can_invite_users", "can_restrict_members")
"""Administrator rights needed to accept and remove users."""

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
    """Return True if the bot, as this chat member, may accept and remove users."""
    return all(member.get(right) is True for right in RIGHTS)


def set_role(fan: str, place: str, give: bool, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Accept a user's join request, or decline it and remove the user. Repeats are harmless."""
    given = {answer.step: answer for answer in answers}
    user, chat = int(fan), chat_id(place)
    return _admit_member(user, chat, given) if give else _remove_member(user, chat, given)


def _admit_member(user: int, chat: int | str, given: Mapping[str, StepResult]) -> Send | Outcome:
    """Accept a join request. If there is none, the user may already be a member, because an earlier
    answer was lost or an administrator accepted the request."""
    if ROLE_ACTION not in given:
        return _build_request(ROLE_ACTION, lambda bot: bot.approve_chat_join_request(chat, user))
    said = description(given[ROLE_ACTION])
    if result(given[ROLE_ACTION]) is True or "user_already_participant" in said:
        return Published(str(user))
    if "channels_too_much" in said:  # the user has joined the maximum number of channels
        return Rejected(Message(READER_NOT_THERE), permanent=False)
    if "hide_requester_missing" not in said and not _is_unknown(given[ROLE_ACTION]):
        return _refusal_outcome(given[ROLE_ACTION])
    if MEMBER not in given:
        return _build_request(MEMBER, lambda bot: bot.get_chat_member(chat, user))
    if is_inside(result(given[MEMBER])):
        return Published(str(user))
    absent = result(given[MEMBER]) is not None or _is_unknown(given[MEMBER])
    return (
        Rejected(Message(READER_NOT_THERE), permanent=False)
        if absent
        else _refusal_outcome(given[MEMBER])
    )


def _remove_member(user: int, chat: int | str, given: Mapping[str, StepResult]) -> Send | Outcome:
    """Decline the join request first, since Telegram does not document the effect of a ban on it.
    After an interruption all steps are repeated, so that the user does not remain banned."""
    if DECLINE not in given:
        return _build_request(DECLINE, lambda bot: bot.decline_chat_join_request(chat, user))
    asked_nothing = "hide_requester_missing" in description(given[DECLINE]) or _is_already_member(
        given[DECLINE]
    )
    if result(given[DECLINE]) is not True and not asked_nothing and not _is_unknown(given[DECLINE]):
        return _refusal_outcome(given[DECLINE])
    if BAN not in given:
        return _build_request(BAN, lambda bot: bot.ban_chat_member(chat, user))
    if _is_unknown(given[BAN]):
        return Published(str(user))
    if result(given[BAN]) is not True:
        return _refusal_outcome(given[BAN])
    if UNBAN not in given:
        return _build_request(
            UNBAN, lambda bot: bot.unban_chat_member(chat, user, only_if_banned=True)
        )
    return Published(str(user)) if result(given[UNBAN]) is True else _refusal_outcome(given[UNBAN])


def _is_already_member(answer: StepResult) -> bool:
    return "user_already_participant" in description(answer)


def _is_unknown(answer: StepResult) -> bool:
    return any(words in description(answer) for words in _UNKNOWN)


def _refusal_outcome(answer: StepResult) -> Outcome:
    """Return the outcome of a failure. A missing right to manage members does not affect the
    account, since posts need another one."""
    said = description(answer)
    if any(words in said for words in _RUNS_IT):
        return Rejected(Message("telegram.runs_the_place"), permanent=False)
    if any(words in said for words in _SAID_NO):
        return Rejected(Message("telegram.no_door_right"), permanent=False)
    return outcome_of_failure(answer, creates=False)


def _build_request(name: str, call: BotCall) -> Send:
    action = "look" if name == MEMBER else ROLE_ACTION
    return Send(build_step(name, StepKind.CONTROL, call, action=action))
