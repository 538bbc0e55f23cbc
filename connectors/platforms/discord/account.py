"""Connection of a bot to a channel, with checks of its token, membership and permissions."""

from collections.abc import Mapping
from typing import Any

from connectors.contract.account_setup import ConnectedAccount
from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Rejected
from connectors.contract.reader_roles import ADULT_ROLE_FIELD, ADULT_ROLE_NAME_FIELD
from connectors.platforms.discord import roles
from connectors.platforms.discord.errors import outcome_of_failure
from connectors.platforms.discord.ids import ChannelRef, channel_id_in, is_id
from connectors.platforms.discord.requests import bot_request
from connectors.platforms.discord.roles import ADMINISTRATOR
from connectors.shared.http_responses import quote_segment
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

NEEDED = 1 << 10 | 1 << 11 | 1 << 14 | 1 << 15 | 1 << 16
"""Permissions for posts and look-ups: view the channel, send messages, embed links, attach files,
and read the message history."""

TEXT = 0
ANNOUNCEMENT = 5
ORDER = ("me", "channel", "guild", "member")
"""The names of the steps in order."""


def connect(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | ConnectedAccount | Outcome:
    """Request the bot, the channel, the server and the bot's membership, then return the account.

    If the form contains a role, the bot must be able to assign it.
    """
    token = form.get("token")
    typed = form.get("channel")
    channel = channel_id_in(typed) if isinstance(typed, str) else ""
    adult = str(form.get(ADULT_ROLE_FIELD) or "").strip()
    if not channel:
        return Rejected(Message("discord.no_channel_link"), permanent=False)
    told: dict[str, dict[str, Any]] = {}
    for answer in answers:
        if (
            not isinstance(answer, Response)
            or not answer.is_success
            or not isinstance(answer.body, dict)
        ):
            return _refusal_outcome(answer, told, adult)
        told[answer.step] = answer.body
    trouble = _setup_problem(told)
    if trouble is not None:
        return Rejected(trouble, permanent=False)
    if len(answers) < len(ORDER):
        return Send(_build_step(ORDER[len(answers)], channel, told))
    role = roles.find_role(adult, told) if adult else {}
    if isinstance(role, Message):
        return Rejected(role, permanent=False)
    return _build_account(told, token if isinstance(token, Sealed) else None, role)


def _build_step(name: str, channel: str, told: Mapping[str, Mapping[str, Any]]) -> WireStep:
    guild = quote_segment(str(told.get("channel", {}).get("guild_id", "")))
    paths = {
        "me": "/users/@me",
        "channel": f"/channels/{channel}",
        "guild": f"/guilds/{guild}",
        "member": f"/guilds/{guild}/members/{quote_segment(str(told.get('me', {}).get('id', '')))}",
    }
    return bot_request(name, StepKind.AUTH, "GET", paths[name])


def _refusal_outcome(
    answer: StepResult, told: Mapping[str, Mapping[str, Any]], adult: str
) -> Outcome:
    status = answer.status if isinstance(answer, Response) else 0
    if status == 401:
        return Rejected(Message("discord.token_unknown"), permanent=False)
    if answer.step != "me" and status in (403, 404):
        asked = "discord.not_invited_for_roles" if adult else "discord.not_invited"
        return Rejected(Message(asked, {"bot": str(told["me"]["id"])}), permanent=False)
    return outcome_of_failure(answer, creates=False)


def _setup_problem(told: Mapping[str, Mapping[str, Any]]) -> Message | None:
    """Return the first problem in the answers received so far, or None."""
    me = told.get("me")
    channel = told.get("channel")
    if me is not None and (not is_id(me.get("id")) or me.get("bot") is not True):
        return Message("discord.token_unknown")
    if channel is not None and (
        channel.get("type") not in (TEXT, ANNOUNCEMENT) or not is_id(channel.get("guild_id"))
    ):
        return Message("discord.not_text")
    if "member" in told and _compute_permissions(told) & NEEDED != NEEDED:
        return Message("discord.rights")
    return None


def _compute_permissions(told: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the bot's permissions in the channel.

    Source: https://discord.com/developers/docs/topics/permissions#permission-overwrites
    """
    guild = told["guild"]
    member = told["member"]
    channel = told["channel"]
    bot = told["me"]["id"]
    everyone = guild.get("id")
    own = set(member.get("roles") or ())
    roles = {role["id"]: int(role["permissions"]) for role in guild.get("roles") or ()}
    rights = roles.get(everyone, 0)
    for role in own:
        rights |= roles.get(role, 0)
    # Owners and administrators have all permissions, whatever the channel's overwrites.
    if guild.get("owner_id") == bot or rights & ADMINISTRATOR:
        return NEEDED
    written = {each["id"]: each for each in channel.get("permission_overwrites") or ()}
    # Overwrites apply in this order: everyone, the bot's roles, the bot itself.
    for who in ([everyone], own, [bot]):
        found = [written[each] for each in who if each in written]
        for each in found:
            rights &= ~int(each["deny"])
        for each in found:
            rights |= int(each["allow"])
    return rights


def _build_account(
    told: Mapping[str, Mapping[str, Any]], token: Sealed | None, role: Mapping[str, Any]
) -> ConnectedAccount:
    channel = told["channel"]
    guild = told["guild"]
    place = ChannelRef(str(channel["id"]), str(guild["id"]), str(told["me"]["id"]))
    return ConnectedAccount(
        account=place.account,
        name=f"#{channel.get('name', place.channel)} ({guild.get('name', place.guild)})",
        surface="discord.guild_channel",
        chat_surface="discord.dm",
        token=token,
        options={
            "bot": str(told["me"].get("username", "")),
            "can_be_seen": True,
            ADULT_ROLE_FIELD: str(role.get("id", "")),
            ADULT_ROLE_NAME_FIELD: str(role.get("name", "")),
        },
        app_key=str(told["me"]["id"]),
    )
