"""Roles for age-verified members of a server: selection, assignment and removal."""

import re
from collections.abc import Mapping
from typing import Any

from connectors.contract.connector import Response, Send, StepKind, StepResult
from connectors.contract.outcomes import Outcome, Published, Rejected
from connectors.contract.reader_roles import READER_NOT_THERE, ROLE_ACTION
from connectors.platforms.discord.errors import error_code, outcome_of_failure
from connectors.platforms.discord.ids import is_id, parse_account
from connectors.platforms.discord.requests import bot_request
from connectors.shared.http_responses import quote_segment
from foundation.i18n.translation import Message

UNKNOWN_MEMBER = 10007
UNKNOWN_ROLE = 10011
UNKNOWN_USER = 10013
NOT_ALLOWED = 50013
"""An error that concerns this role alone. Posts need other permissions, so the account continues to
publish."""

ADMINISTRATOR = 1 << 3
MANAGE_ROLES = 1 << 28
PRIVILEGED_PERMISSIONS = sum(
    1 << bit for bit in (1, 2, 3, 4, 5, 13, 17, 27, 28, 29, 30, 33, 34, 40)
)
"""Permissions that a role for age-verified members must not have: kick, ban, administrator, manage
(channels, server, messages, nicknames, roles, webhooks, expressions, events, threads), mention
everyone, time out.

Source: https://discord.com/developers/docs/topics/permissions#permissions-bitwise-permission-flags
"""

_MENTION = re.compile(r"<@&(\d+)>")


def set_role(
    account: str, fan: str, role: str, give: bool, answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """Assign a role to a member or remove it. Repeats are harmless.

    Source: https://discord.com/developers/docs/resources/guild#add-guild-member-role
    """
    if not answers:
        path = (
            f"/guilds/{quote_segment(parse_account(account).guild)}/members/{quote_segment(fan)}"
            f"/roles/{quote_segment(role)}"
        )
        method = "PUT" if give else "DELETE"
        return Send(bot_request(ROLE_ACTION, StepKind.CONTROL, method, path, action=ROLE_ACTION))
    last = answers[-1]
    if isinstance(last, Response) and 200 <= last.status < 300:
        return Published(fan)
    match error_code(last) if isinstance(last, Response) and 400 <= last.status < 500 else 0:
        case number if number in (UNKNOWN_MEMBER, UNKNOWN_USER):
            return Rejected(Message(READER_NOT_THERE), permanent=False) if give else Published(fan)
        case number if number == UNKNOWN_ROLE:
            return (
                Rejected(Message("discord.role_gone"), permanent=False) if give else Published(fan)
            )
        case number if number == NOT_ALLOWED:
            return Rejected(Message("discord.role_above"), permanent=False)
        case _:
            return outcome_of_failure(last, creates=False)


def find_role(typed: str, told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | Message:
    """Return the role with the typed name, ID or mention, or the reason why the bot cannot assign
    it."""
    guild = told["guild"]
    wanted = typed.strip()
    mentioned = _MENTION.fullmatch(wanted)
    number = mentioned[1] if mentioned else wanted
    name = wanted.removeprefix("@").casefold()
    roles = [
        one
        for one in guild.get("roles") or ()
        if is_id(one.get("id")) and one["id"] != guild.get("id")
    ]
    same = [one for one in roles if one["id"] == number] or [
        one for one in roles if _role_name(one).casefold() == name
    ]
    if len(same) != 1:
        return Message("discord.role_twice" if same else "discord.role_unknown", {"role": wanted})
    role: dict[str, Any] = same[0]
    if role.get("managed") is True or int(role.get("permissions") or 0) & PRIVILEGED_PERMISSIONS:
        return Message("discord.role_powerful", {"role": _role_name(role)})
    own = [one for one in roles if one["id"] in set(told["member"].get("roles") or ())]
    if guild.get("owner_id") != told["me"]["id"]:
        rights = _combine_permissions(own) | _combine_permissions(
            [one for one in guild.get("roles") or () if one.get("id") == guild.get("id")]
        )
        if not rights & (MANAGE_ROLES | ADMINISTRATOR):
            return Message("discord.no_role_right")
        if max(map(_role_rank, own), default=(0, 0)) <= _role_rank(role):
            return Message("discord.role_above")
    return role


def _combine_permissions(roles: list[dict[str, Any]]) -> int:
    rights = 0
    for role in roles:
        rights |= int(role.get("permissions") or 0)
    return rights


def _role_name(role: Mapping[str, Any]) -> str:
    return str(role.get("name", ""))


def _role_rank(role: Mapping[str, Any]) -> tuple[int, int]:
    """Return the rank of a role. At equal positions the older role is higher.

    Source: https://discord.com/developers/docs/topics/permissions#permission-hierarchy
    """
    position = role.get("position")
    return (position if isinstance(position, int) else 0), -int(role["id"])
