"""Properties and members of a Telegram channel for the policy's destination checks.

A bot can read a chat's names, discussion group, number of members and administrators, and the
membership of one user at a time. It cannot list the members or the invite links of administrators.
All members are therefore known only if their number does not exceed the number of administrators
and age-verified readers among them. A member declares whether the channel can be joined by request
only. Telegram does not document whether bots count as members, so they do not count as known ones
here.
"""

from collections.abc import Mapping
from typing import Any

from connectors.contract.connector import Send, StepKind, StepResult
from connectors.contract.destination import Destination, DestinationReport
from connectors.contract.metrics import FOLLOWERS_STEP, parse_count
from connectors.contract.outcomes import Found, LookupResult, Outcome, Rejected
from connectors.contract.post_addresses import (
    ADDRESS_UNREADABLE,
    NO_POST_THERE,
    OTHER_ACCOUNTS_POST,
    ClaimedAddress,
)
from connectors.platforms.telegram.bot_steps import BotCall, build_step, chat_id
from connectors.platforms.telegram.errors import message_url, outcome_of_failure, place_of, result
from foundation.i18n.translation import Message

PUBLIC = "getChat.username or a public invite makes it public"
PRIVATE = "chat has no username"
BY_REQUEST = "every live invite link has creates_join_request=true"
NO_GROUP = "linked discussion group is private with the same rule"
ASSURED = (
    "all members joined through a request approved against AgeAssurance, or the channel is marked "
    "migrated and H"
)
"""The policy's conditions, in the policy's own syntax."""

CHAT = "chat"
GROUP = "group"
ADMINS = "admins"
COUNT = "count"
MAX_READERS = 60
"""Maximum number of readers whose membership is requested one by one. The check of a larger channel
has no result."""

SECONDS = 5.0
"""Timeout of each request in seconds. A post may have to wait for many of them."""

_INSIDE = frozenset({"creator", "administrator", "member"})


def inspect_destination(
    to: Destination, answers: tuple[StepResult, ...]
) -> Send | DestinationReport | Outcome:
    """Read the chat, its discussion group, administrators and number of members, then reader by
    reader."""
    if not to.id:
        return Rejected(Message("telegram.no_channel"), permanent=False)
    given = {answer.step: answer for answer in answers}
    chat = result(given[CHAT]) if CHAT in given else None
    if not isinstance(chat, dict):
        return (
            outcome_of_failure(given[CHAT], creates=False)
            if CHAT in given
            else _build_request(CHAT, _chat_call(chat_id(to.id)))
        )
    if _is_public(chat):
        return DestinationReport((PUBLIC,), (PRIVATE, BY_REQUEST, ASSURED))
    linked = chat.get("linked_chat_id")
    if linked is not None and GROUP not in given:
        return _build_request(GROUP, _chat_call(linked))
    inside = _inspect_members(to, given)
    if not isinstance(inside, DestinationReport):
        return inside
    group = _inspect_group(given.get(GROUP))
    return DestinationReport((PRIVATE, *group.holds, *inside.holds), (*group.fails, *inside.fails))


def _is_public(chat: Mapping[str, Any]) -> bool:
    return bool(chat.get("username") or chat.get("active_usernames"))


def _inspect_group(answer: StepResult | None) -> DestinationReport:
    """Report the condition as met if there is no discussion group and as failed if the group is
    public. The members of a private group are unknown."""
    if answer is None:
        return DestinationReport((NO_GROUP,))
    group = result(answer)
    return (
        DestinationReport(fails=(NO_GROUP,))
        if isinstance(group, dict) and _is_public(group)
        else DestinationReport()
    )


def _inspect_members(
    to: Destination, given: Mapping[str, StepResult]
) -> Send | DestinationReport | Outcome:
    """Check that all members are known to be adults."""
    chat = chat_id(to.id)
    calls: Mapping[str, BotCall] = {
        ADMINS: lambda bot: bot.get_chat_administrators(chat),
        COUNT: lambda bot: bot.get_chat_member_count(chat),
    }
    for name, call in calls.items():
        if name not in given:
            return _build_request(name, call)
        if result(given[name]) is None:
            return outcome_of_failure(given[name], creates=False)
    admins = result(given[ADMINS])
    count = result(given[COUNT])
    known = {str(one["user"]["id"]) for one in admins if not one["user"].get("is_bot")}
    asked = [user for user in to.adults if user not in known]
    for user in asked[:MAX_READERS]:
        if len(known) >= count:
            break
        if _reader_step_name(user) not in given:
            return _build_request(_reader_step_name(user), _member_call(chat, int(user)))
        if is_inside(result(given[_reader_step_name(user)])):
            known.add(user)
    if len(known) >= count:
        return DestinationReport((ASSURED, *((BY_REQUEST,) if to.by_request else ())))
    return (
        DestinationReport()
        if len(asked) > MAX_READERS or _has_unclear_reader(given)
        else DestinationReport(fails=(ASSURED,))
    )


def count_followers(destination: str, answers: tuple[StepResult, ...]) -> Send | int | None:
    """Return the next request, or the number of the channel's members including administrators.
    Users of the bot's chat are not followers."""
    if not destination:
        return None
    if answers:
        return parse_count(result(answers[-1]))
    chat = chat_id(destination)
    return _build_request(FOLLOWERS_STEP, lambda bot: bot.get_chat_member_count(chat))


def resolve_address(where: ClaimedAddress, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """Return the message in a URL if the URL belongs to the account's channel. For an album, the
    URL of a single one of its messages is rejected.

    The messages of an album have consecutive IDs, because it is sent in one request; `single` marks
    the URL of one of them. Source: https://core.telegram.org/api/links#message-links
    """
    link = place_of(where.url.partition("?")[0].rstrip("/").replace("://telegram.me/", "://t.me/"))
    if (
        link is None
        or not where.destination
        or (where.media > 1 and "single" in where.url.partition("?")[2])
    ):
        return NO_POST_THERE
    if not answers:
        return _build_request(CHAT, _chat_call(chat_id(where.destination)))
    chat = result(answers[-1])
    (said, (first,)) = link
    if not isinstance(chat, dict) or not isinstance(chat.get("id"), int):
        return ADDRESS_UNREADABLE
    names = {
        str(chat.get("username") or "").casefold(),
        *(str(one).casefold() for one in _further_names(chat)),
    } - {""}
    ours = said == chat["id"] or (
        isinstance(said, str) and said.removeprefix("@").casefold() in names
    )
    ids = ",".join(str(first + place) for place in range(max(where.media, 1)))
    return Found(f"{chat['id']}/{ids}", message_url(chat, first)) if ours else OTHER_ACCOUNTS_POST


def _further_names(chat: Mapping[str, Any]) -> list[Any]:
    told = chat.get("active_usernames")
    return told if isinstance(told, list) else []


def _reader_step_name(user: str) -> str:
    return f"reader:{user}"


def is_inside(member: object) -> bool:
    """Return True if this chat member is currently in the chat."""
    if not isinstance(member, dict):
        return False
    return member.get("status") in _INSIDE or (
        member.get("status") == "restricted" and member.get("is_member") is True
    )


def _has_unclear_reader(given: Mapping[str, StepResult]) -> bool:
    """Return True if a membership request failed. The check then proves nothing."""
    return any(
        name.startswith("reader:") and result(answer) is None for name, answer in given.items()
    )


def _chat_call(chat: int | str) -> BotCall:
    return lambda bot: bot.get_chat(chat)


def _member_call(chat: int | str, user: int) -> BotCall:
    return lambda bot: bot.get_chat_member(chat, user)


def _build_request(name: str, call: BotCall) -> Send:
    action = "metrics" if name == FOLLOWERS_STEP else "look"
    return Send(build_step(name, StepKind.CONTROL, call, action=action, seconds=SECONDS))
