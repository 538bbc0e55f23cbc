"""Parsing of Discord's gateway events with the types of discord.py.

The import needs about 16 MiB, so the module is loaded with the first account that listens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import discord

from connectors.contract.bot_commands import BotCommand
from connectors.contract.chats import AttachmentKind, ChatUpdate
from connectors.platforms.discord.commands import command_text
from connectors.platforms.discord.publisher import BUTTON_PREFIX, COMMAND_PREFIX

Interaction = discord.Interaction[Any]

_MEDIA: Mapping[str, AttachmentKind] = {"image": "picture", "video": "film", "audio": "sound"}


@dataclass(frozen=True)
class InteractionCall:
    """An interaction that needs a response: the first within three seconds, all within 15 minutes.

    `word` is the secret token of the response. `chosen` is True for a command from the menu,
    `elsewhere` if it was not chosen in the chat with the bot.
    """

    update: ChatUpdate
    application: str
    word: str = field(repr=False)
    chosen: bool = False
    elsewhere: bool = False


def parse_message(message: discord.Message) -> ChatUpdate | None:
    """Return a user's message, or None for other messages. A message with files or stickers is
    `unsupported`."""
    if message.author.bot or message.type not in (
        discord.MessageType.default,
        discord.MessageType.reply,
    ):
        return None
    return ChatUpdate(
        key=f"message:{message.id}",
        kind="message"
        if message.content and not (message.attachments or message.stickers)
        else "unsupported",
        fan=str(message.author.id),
        handle=message.author.global_name or message.author.name,
        native_id=str(message.id),
        at=message.created_at,
        text=message.content,
        shows=_parse_attachment_kind(message),
    )


def parse_edit(message: discord.Message) -> ChatUpdate | None:
    """Return the new text of an edited message, or None.

    Discord also reports messages whose link preview or pin changed; these have no edit time.
    Source: https://docs.discord.com/developers/events/gateway-events#message-update
    """
    says = parse_message(message)
    at = message.edited_at
    if says is None or at is None or not says.text:
        return None
    # ends with the message ID, which the account's cursor compares
    key = f"edited:{at.isoformat()}:{message.id}"
    return replace(says, key=key, kind="edited", at=at, shows="")


def _parse_attachment_kind(message: discord.Message) -> AttachmentKind:
    """Return the kind of the first attachment. Attachments are not downloaded."""
    if message.attachments:
        return _MEDIA.get((message.attachments[0].content_type or "").partition("/")[0], "file")
    return "picture" if message.stickers else ""


def parse_interaction(
    interaction: Interaction, application: int | None, commands: Sequence[BotCommand]
) -> InteractionCall | None:
    """Return a button pressed in a direct message or a command chosen anywhere, or None for other
    interactions."""
    if interaction.application_id != application:
        return None
    data: Any = interaction.data or {}
    ours = str(application)
    word = interaction.token
    if interaction.type is discord.InteractionType.component and interaction.guild_id is None:
        return InteractionCall(
            _build_update(interaction, BUTTON_PREFIX, "button", ref=str(data.get("custom_id", ""))),
            ours,
            word,
        )
    if interaction.type is not discord.InteractionType.application_command:
        return None
    text = command_text(data, commands)
    if not text:
        return None
    elsewhere = interaction.guild_id is not None or not interaction.context.dm_channel
    return InteractionCall(
        _build_update(interaction, COMMAND_PREFIX, "message", text=text),
        ours,
        word,
        chosen=True,
        elsewhere=elsewhere,
    )


def _build_update(
    interaction: Interaction, begins: str, kind: Any, *, text: str = "", ref: str = ""
) -> ChatUpdate:
    return ChatUpdate(
        key=f"{begins}{interaction.id}",
        kind=kind,
        fan=str(interaction.user.id),
        handle=interaction.user.global_name or interaction.user.name,
        language=str(interaction.locale),
        at=interaction.created_at,
        text=text,
        ref=ref,
    )
