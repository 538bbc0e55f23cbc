"""Discord's own ids: where an account posts, what a moment is as an id, and the key that travels
with a message."""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.contract.outcomes import Published
from gate.contract.units import Medium

EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
"""Ids count milliseconds from here, above 22 bits that tell apart what happened in the same one."""

NONCE_LENGTH = 25
SPOILER_PREFIX = "SPOILER_"
"""A file whose name begins like this is blurred until pressed."""

CHANNEL_URL = "https://discord.com/channels"
_LINK = re.compile(r"(?:https?://(?:\w+\.)?discord(?:app)?\.com/channels/\d{15,20}/)?(\d{15,20})/?")
_ID = re.compile(r"\d{1,20}")
_ENDINGS = {"image/jpeg": "jpg", "audio/mp4": "m4a"}


@dataclass(frozen=True)
class ChannelRef:
    """What an account's name says: the channel that is posted to, its server, and the bot."""

    channel: str
    guild: str
    bot: str

    @property
    def account(self) -> str:
        """The account's name."""
        return f"{self.channel}:{self.guild}:{self.bot}"

    def url(self, message: str) -> str:
        """Where people read a message."""
        return f"{CHANNEL_URL}/{self.guild}/{self.channel}/{message}"


def parse_account(account: str) -> ChannelRef:
    """The place an account's name stands for. Raises ValueError for a name that is none."""
    channel, guild, bot = account.split(":")
    return ChannelRef(channel, guild, bot)


def published_copy(own: ChannelRef, channel: str, message: str, viewer: str) -> Published:
    """A message to a reader is named with its channel: nothing else says where it lies."""
    if viewer:
        return Published(f"{channel}/{message}", at=snowflake_time(message))
    return Published(message, own.url(message), snowflake_time(message))


def channel_id_in(typed: str) -> str:
    """The channel's id in a link or an id that a person pasted; "" where there is none."""
    found = _LINK.fullmatch(typed.strip())
    return found[1] if found else ""


def is_id(value: object) -> bool:
    """Whether the value is an id as Discord writes them."""
    return isinstance(value, str) and bool(_ID.fullmatch(value))


def snowflake_at(moment: datetime) -> int:
    """The lowest id of anything that happened at `moment` (UTC-aware) or later."""
    return max(0, (moment - EPOCH) // timedelta(milliseconds=1)) << 22


def snowflake_time(snowflake: str) -> datetime:
    """When the thing of an id happened, UTC-aware."""
    return EPOCH + timedelta(milliseconds=int(snowflake) >> 22)


def message_nonce(native_key: str) -> str:
    """The key as Discord takes it: the same author's same nonce is the same message, for some
    minutes."""
    return base64.b32encode(hashlib.sha256(native_key.encode()).digest()).decode()[:NONCE_LENGTH]


def attachment_name(native_key: str, number: int, medium: Medium, *, hidden: bool) -> str:
    """The name of a message's file: it tells the message in a listing, long after the nonce is
    forgotten."""
    ending = _ENDINGS.get(medium.mime, medium.mime.rpartition("/")[2])
    return f"{SPOILER_PREFIX if hidden else ''}{message_nonce(native_key)[:8]}-{number}.{ending}"


def is_attachment_of(filename: str, native_key: str) -> bool:
    """Whether a file's name is one that `file_name` gave to the message of this key."""
    return filename.removeprefix(SPOILER_PREFIX).startswith(f"{message_nonce(native_key)[:8]}-")
