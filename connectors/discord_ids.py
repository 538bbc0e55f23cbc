"""Discord's own ids: where an account posts, what a moment is as an id, and the key that travels with a message."""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.outcomes import Published
from gate.units import Medium

EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
"""Ids count milliseconds from here, above 22 bits that tell apart what happened in the same one."""

NONCE_LENGTH = 25
SPOILER = "SPOILER_"
"""A file whose name begins like this is blurred until pressed."""

SITE = "https://discord.com/channels"
_LINK = re.compile(r"(?:https?://(?:\w+\.)?discord(?:app)?\.com/channels/\d{15,20}/)?(\d{15,20})/?")
_ID = re.compile(r"\d{1,20}")
_ENDINGS = {"image/jpeg": "jpg", "audio/mp4": "m4a"}


@dataclass(frozen=True)
class Place:
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
        return f"{SITE}/{self.guild}/{self.channel}/{message}"


def place(account: str) -> Place:
    """The place an account's name stands for. Raises ValueError for a name that is none."""
    channel, guild, bot = account.split(":")
    return Place(channel, guild, bot)


def copy_at(own: Place, channel: str, message: str, viewer: str) -> Published:
    """A message to a reader is named with its channel: nothing else says where it lies."""
    if viewer:
        return Published(f"{channel}/{message}", at=moment(message))
    return Published(message, own.url(message), moment(message))


def channel_in(typed: str) -> str:
    """The channel's id in a link or an id that a person pasted; "" where there is none."""
    found = _LINK.fullmatch(typed.strip())
    return found[1] if found else ""


def is_id(value: object) -> bool:
    """Whether the value is an id as Discord writes them."""
    return isinstance(value, str) and bool(_ID.fullmatch(value))


def at_or_after(moment: datetime) -> int:
    """The lowest id of anything that happened at `moment` (UTC-aware) or later."""
    return max(0, (moment - EPOCH) // timedelta(milliseconds=1)) << 22


def moment(snowflake: str) -> datetime:
    """When the thing of an id happened, UTC-aware."""
    return EPOCH + timedelta(milliseconds=int(snowflake) >> 22)


def nonce(native_key: str) -> str:
    """The key as Discord takes it: the same author's same nonce is the same message, for some minutes."""
    return base64.b32encode(hashlib.sha256(native_key.encode()).digest()).decode()[:NONCE_LENGTH]


def file_name(native_key: str, number: int, medium: Medium, *, hidden: bool) -> str:
    """The name of a message's file: it tells the message in a listing, long after the nonce is forgotten."""
    ending = _ENDINGS.get(medium.mime, medium.mime.rpartition("/")[2])
    return f"{SPOILER if hidden else ''}{nonce(native_key)[:8]}-{number}.{ending}"


def names_message(filename: str, native_key: str) -> bool:
    """Whether a file's name is one that `file_name` gave to the message of this key."""
    return filename.removeprefix(SPOILER).startswith(f"{nonce(native_key)[:8]}-")
