"""Connection of a bot and its channel: token, permission to post, and the switch from a webhook to
polling."""

import re
from collections.abc import Mapping
from typing import Any

from connectors.contract.account_setup import ConnectedAccount, ConnectForm, FormField
from connectors.contract.connector import Response, Send, StepKind, StepResult
from connectors.contract.outcomes import Outcome, Reauthorize, Rejected
from connectors.contract.reader_roles import (
    ADMISSION_FIELD,
    ADMITS_ADULTS,
    ADMITS_SUBSCRIBERS,
    ADULT_ROLE_NAME_FIELD,
)
from connectors.platforms.telegram.bot_steps import BotCall, build_step, chat_id
from connectors.platforms.telegram.errors import description, outcome_of_failure, result
from connectors.platforms.telegram.roles import can_open
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

BY_REQUEST = "by_request"
"""Form value by which a member declares that the channel can be joined by request only. A bot
cannot list a channel's invite links."""

BY_HAND = "by_hand"
"""Form value by which a member declares that the channel's administrators, not the bot, handle join
requests."""

FORM = ConnectForm(
    fields=(
        FormField("token", secret=True, example="123456789:AA…"),
        FormField("channel", optional=True, example="@moncanal"),
        FormField("joins", optional=True, choices=("any", BY_REQUEST)),
        FormField("lets_in", optional=True, choices=(BY_HAND, ADMITS_SUBSCRIBERS, ADMITS_ADULTS)),
    ),
    credential="token",
    minutes=2,
)
GAP_SECONDS = 1
"""Minimum interval between two posts. Telegram accepts about one message per second in a chat."""

_CHANNEL = re.compile(r"(?:https?://)?(?:t\.me/|@)?(?P<name>[A-Za-z]\w{3,31})/?|(?P<id>-\d{5,20})")


def channel_of(form: Mapping[str, str | Sealed]) -> str:
    """Return the typed channel as `@name` or number, or "" if it is empty. Invalid input is
    returned unchanged."""
    typed = form.get("channel", "")
    plain = typed.strip() if isinstance(typed, str) else ""
    found = _CHANNEL.fullmatch(plain)
    if found is None:
        return plain
    return found["id"] or f"@{found['name']}"


def connect(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | ConnectedAccount | Outcome:
    """Call getMe, for a channel also getChat and getChatMember, then deleteWebhook. Return the
    account."""
    given = {answer.step: answer for answer in answers}
    channel = channel_of(form)
    token = form.get("token")
    if not isinstance(token, Sealed):
        return Rejected(Message("telegram.no_token"), permanent=False)
    if (bot := _parse_answer(given, "getMe")) is None:
        return (
            _build_request("getMe", lambda bot: bot.get_me())
            if "getMe" not in given
            else _token_failure_outcome(given["getMe"])
        )
    found: Mapping[str, Any] = {}
    if channel:
        turn = _resolve_channel(channel, bot, given, lets_in=_parse_admission(form))
        if isinstance(turn, Send | Rejected) or not isinstance(turn, Mapping):
            return turn
        found = turn
    if "deleteWebhook" not in given:
        return _build_request("deleteWebhook", lambda bot: bot.delete_webhook())
    if result(given["deleteWebhook"]) is None:
        return outcome_of_failure(given["deleteWebhook"], creates=False)
    return _build_account(
        bot,
        found,
        token,
        by_request=form.get("joins") == BY_REQUEST,
        lets_in=_parse_admission(form),
    )


def _parse_admission(form: Mapping[str, str | Sealed]) -> str:
    """Return the group of users whose join requests the bot accepts, or "" for none."""
    said = form.get("lets_in")
    return said if isinstance(said, str) and said in (ADMITS_SUBSCRIBERS, ADMITS_ADULTS) else ""


def _build_request(name: str, call: BotCall) -> Send:
    return Send(build_step(name, StepKind.AUTH, call))


def _parse_answer(given: Mapping[str, StepResult], method: str) -> Mapping[str, Any] | None:
    found = result(given[method]) if method in given else None
    return found if isinstance(found, dict) else None


def _token_failure_outcome(answer: StepResult) -> Outcome:
    refused = isinstance(answer, Response) and answer.status in (401, 404)
    return (
        Rejected(Message("telegram.bad_token"), permanent=False)
        if refused
        else outcome_of_failure(answer, creates=False)
    )


def _resolve_channel(
    channel: str, bot: Mapping[str, Any], given: Mapping[str, StepResult], *, lets_in: str
) -> Send | Outcome | Mapping[str, Any]:
    """Return the channel if the bot may post to it, otherwise the next request or the reason."""
    if "getChat" not in given:
        return _build_request("getChat", lambda bot: bot.get_chat(chat_id(channel)))
    chat = _parse_answer(given, "getChat")
    if chat is None:
        unknown = isinstance(given["getChat"], Response) and given["getChat"].status in (400, 403)
        told = Message("telegram.channel_unknown", {"channel": channel})
        return (
            Rejected(told, permanent=False)
            if unknown
            else outcome_of_failure(given["getChat"], creates=False)
        )
    if chat.get("type") not in ("channel", "supergroup"):
        return Rejected(Message("telegram.not_a_channel", {"channel": channel}), permanent=False)
    if "getChatMember" not in given:
        return _build_request(
            "getChatMember", lambda client: client.get_chat_member(chat["id"], bot["id"])
        )
    member = _parse_answer(given, "getChatMember")
    refused = isinstance(given["getChatMember"], Response) and "member" in description(
        given["getChatMember"]
    )
    if member is None and not refused:
        return outcome_of_failure(given["getChatMember"], creates=False)
    if member is None or not _may_post(member, chat):
        told = Message(
            "telegram.cannot_post", {"bot": f"@{bot.get('username')}", "channel": channel}
        )
        return Rejected(told, permanent=False)
    if lets_in and chat.get("username"):  # users join a public channel without a request
        return Rejected(Message("telegram.public_door", {"channel": channel}), permanent=False)
    if lets_in and not can_open(member):
        return Rejected(Message("telegram.no_door_right"), permanent=False)
    return chat


def _may_post(member: Mapping[str, Any], chat: Mapping[str, Any]) -> bool:
    admin = member.get("status") in ("administrator", "creator")
    return admin and (chat.get("type") != "channel" or member.get("can_post_messages") is True)


def _build_account(
    bot: Mapping[str, Any],
    channel: Mapping[str, Any],
    token: Sealed,
    *,
    by_request: bool,
    lets_in: str,
) -> ConnectedAccount:
    username = str(bot.get("username") or bot["id"])
    title = (
        f"@{channel['username']}" if channel.get("username") else str(channel.get("title") or "")
    )
    opens = bool(channel) and bool(lets_in)
    door = {
        ADMISSION_FIELD: lets_in if opens else "",
        ADULT_ROLE_NAME_FIELD: title if opens else "",
    }  # replaces the values of an earlier connection
    place = (
        {"destination": str(channel["id"]), "can_be_seen": True, "by_request": by_request}
        if channel
        else {}
    )
    public = "telegram.public_channel" if channel.get("username") else "telegram.private_channel"
    return ConnectedAccount(
        account=username,
        name=f"@{username} · {title}" if channel else f"@{username}",
        surface=public if channel else "",
        chat_surface="telegram.bot_dm",
        token=token,
        min_gap_seconds=GAP_SECONDS,
        options={**place, **door},
    )


def check(account: str, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
    """Check that the token belongs to the bot."""
    if not answers:
        return Send(build_step("look", StepKind.CONTROL, lambda bot: bot.get_me(), action="look"))
    bot = result(answers[-1])
    if not isinstance(bot, dict):
        # Telegram answers 404 for an unknown token. Only with `getMe` does a 404 prove it.
        if isinstance(answers[-1], Response) and answers[-1].status == 404:
            return Reauthorize(Message("connectors.token_refused"))
        return outcome_of_failure(answers[-1], creates=False)
    same = str(bot.get("username") or bot.get("id")).lower() == account.lower()
    return None if same else Reauthorize(Message("telegram.other_bot", {"account": account}))
