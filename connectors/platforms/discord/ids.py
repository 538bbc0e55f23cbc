"""Discord IDs: account names, timestamps in IDs, nonces and file names."""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.contract.outcomes import Published
from gate.contract.units import Medium

EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
"""The time from which IDs count milliseconds. The lowest 22 bits of an ID distinguish IDs of the
same millisecond."""

NONCE_LENGTH = 25
SPOILER_PREFIX = "SPOILER_"
"""The prefix of file names that Discord blurs until clicked."""

CHANNEL_URL = "https://discord.com/channels"
_LINK = re.compile(r"(?:https?://(?:\w+\.)?discord(?:app)?\.com/channels/\d{15,20}/)?(\d{15,20})/?")
_ID = re.compile(r"\d{1,20}")
_ENDINGS = {"image/jpeg": "jpg", "audio/mp4": "m4a"}


@dataclass(frozen=True)
class ChannelRef:
    """The channel, the server and the bot of an account."""

    channel: str
    guild: str
    bot: str

    @property
    def account(self) -> str:
        """Return the name of the account."""
        return f"{self.channel}:{self.guild}:{self.bot}"

    def url(self, message: str) -> str:
        """Return the URL of a message."""
        return f"{CHANNEL_URL}/{self.guild}/{self.channel}/{message}"


def parse_account(account: str) -> ChannelRef:
    """Return the channel, server and bot of an account. Raise ValueError if the name is invalid."""
    channel, guild, bot = account.split(":")
    return ChannelRef(channel, guild, bot)


def published_copy(own: ChannelRef, channel: str, message: str, viewer: str) -> Published:
    """Return the outcome of a published message. The native ID of a direct message includes its
    channel, which is stored nowhere else."""
    if viewer:
        return Published(f"{channel}/{message}", at=snowflake_time(message))
    return Published(message, own.url(message), snowflake_time(message))


def channel_id_in(typed: str) -> str:
    """Return the channel ID in a pasted link or ID, or ""."""
    found = _LINK.fullmatch(typed.strip())
    return found[1] if found else ""


def is_id(value: object) -> bool:
    """Return True if the value is a Discord ID."""
    return isinstance(value, str) and bool(_ID.fullmatch(value))


def snowflake_at(moment: datetime) -> int:
    """Return the lowest ID of anything created at `moment` (UTC-aware) or later."""
    return max(0, (moment - EPOCH) // timedelta(milliseconds=1)) << 22


def snowflake_time(snowflake: str) -> datetime:
    """Return the creation time in an ID (UTC-aware)."""
    return EPOCH + timedelta(milliseconds=int(snowflake) >> 22)


def message_nonce(native_key: str) -> str:
    """Return the key as a nonce. For some minutes Discord treats messages of one author with the
    same nonce as one message."""
    return base64.b32encode(hashlib.sha256(native_key.encode()).digest()).decode()[:NONCE_LENGTH]


def attachment_name(native_key: str, number: int, medium: Medium, *, hidden: bool) -> str:
    """Return the name of a message's file. It identifies the message in the history long after the
    nonce has expired."""
    ending = _ENDINGS.get(medium.mime, medium.mime.rpartition("/")[2])
    return f"{SPOILER_PREFIX if hidden else ''}{message_nonce(native_key)[:8]}-{number}.{ending}"


def is_attachment_of(filename: str, native_key: str) -> bool:
    """Return True if `attachment_name` created this file name for the message with this key."""
    return filename.removeprefix(SPOILER_PREFIX).startswith(f"{message_nonce(native_key)[:8]}-")
