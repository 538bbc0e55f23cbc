"""State of the fake Discord: bots, users, servers, channels and messages, with its IDs and clock."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.platforms.discord.ids import EPOCH

VIEW, SEND, EMBED, ATTACH, HISTORY = 1 << 10, 1 << 11, 1 << 14, 1 << 15, 1 << 16
ADMINISTRATOR, MANAGE_ROLES = 1 << 3, 1 << 28
MANAGE_SERVER = 1 << 5
ALL = VIEW | SEND | EMBED | ATTACH | HISTORY
DM, ANNOUNCEMENT, THREAD = 1, 5, 11
NONCE_LIVES = timedelta(minutes=2)

Json = dict[str, Any]


class Refusal(Exception):
    """An error response: HTTP status, Discord error code and headers."""

    def __init__(self, status: int, code: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.more = status, code, message, more


@dataclass
class Bot:
    """The bot user of an application."""

    id: str
    token: str
    name: str
    identifies: int = 0


@dataclass
class Guild:
    """A server: permissions and positions of roles by ID, and the roles of each member."""

    id: str
    name: str
    roles: dict[str, int]
    members: dict[str, list[str]]
    owner: str = "1"
    followers: int = 2
    """Approximate number of members. The default counts the owner and the bot."""
    names: dict[str, str] = field(default_factory=dict)
    """Names of roles. A role without an entry has its ID as name."""
    positions: dict[str, int] = field(default_factory=dict)
    managed: set[str] = field(default_factory=set)
    """Roles that an integration manages, which cannot be assigned."""
    invites: dict[str, int] = field(default_factory=dict)
    """Uses of invites by code. Only bots with Manage Server see them."""
    joined: dict[str, datetime] = field(default_factory=dict)
    """Times at which members joined."""
    given: list[tuple[str, str, str]] = field(default_factory=list)
    """Role changes by a bot: `+` or `-`, the member, the role."""

    def height(self, role: str) -> tuple[int, int]:
        """Return the sort key of a role. Of two roles with the same position, the older one is
        higher."""
        return self.positions.get(role, 0), -int(role)

    def allowed(self, member: str) -> int:
        """Return the server-wide permissions of a member."""
        rights = self.roles[self.id]
        for role in self.members[member]:
            rights |= self.roles[role]
        return rights


@dataclass
class Message:
    """A message as received and as displayed."""

    id: str
    channel: str
    author: Json
    received: str
    body: Json
    nonce: str
    at: datetime
    deleted: bool = False
    edited: datetime | None = None
    passed_on: datetime | None = None
    """Time of its crosspost."""


@dataclass
class Channel:
    """A text channel of a server, or the direct messages of a bot and a user."""

    id: str
    guild: str = ""
    type: int = 0
    name: str = ""
    nsfw: bool = False
    overwrites: list[Json] = field(default_factory=list)
    bot: str = ""
    person: str = ""
    parent: str = ""
    messages: list[Message] = field(default_factory=list)


@dataclass
class Person:
    """A user. `open` is true if they accept direct messages, `shares` if they share a server with
    the bot."""

    id: str
    name: str
    open: bool = True
    shares: bool = True


@dataclass
class DiscordState:
    """The complete state. The HTTP API and the gateway access it under one lock."""

    clock: Callable[[], datetime]
    bots: dict[str, Bot] = field(default_factory=dict)
    guilds: dict[str, Guild] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    nonces: dict[tuple[str, str], Message] = field(default_factory=dict)
    nonce_in_history: bool = False
    """True if message lists contain the nonce. The documentation does not mention it."""
    _counted: int = 0

    def snowflake(self) -> str:
        """Return a new ID for the current time. IDs of the same millisecond are in order."""
        self._counted += 1
        return str(
            (((self.clock() - EPOCH) // timedelta(milliseconds=1)) << 22) + self._counted % 2**22
        )

    # Setup

    def bot(self, name: str = "greenroom") -> Bot:
        """Create an application with a bot."""
        made = Bot(self.snowflake(), f"bot-{secrets.token_hex(12)}", name)
        self.bots[made.token] = made
        return made

    def guild(self, bot: Bot, *, rights: int = ALL, name: str = "Studio") -> Guild:
        """Create a server whose bot has a role with these permissions."""
        role, guild_id = self.snowflake(), self.snowflake()
        made = Guild(
            guild_id, name, {guild_id: VIEW, role: rights}, {bot.id: [role]}, positions={role: 10}
        )
        self.guilds[made.id] = made
        return made

    def role(self, guild: Guild, name: str = "18+", *, rights: int = 0, position: int = 1) -> str:
        """Create a role of a server and return its ID."""
        made = self.snowflake()
        guild.roles[made], guild.names[made], guild.positions[made] = rights, name, position
        return made

    def channel(
        self, guild: Guild, *, nsfw: bool = False, type_: int = 0, name: str = "annonces"
    ) -> Channel:
        """Create a text channel of a server."""
        made = Channel(self.snowflake(), guild.id, type_, name, nsfw)
        self.channels[made.id] = made
        return made

    def thread(self, parent: Channel, name: str = "fil") -> Channel:
        """Create a public thread of a channel. It inherits the age restriction."""
        made = Channel(self.snowflake(), parent.guild, THREAD, name, parent=parent.id)
        self.channels[made.id] = made
        return made

    def restricted(self, channel: Channel) -> bool:
        """Return True if the channel is age-restricted."""
        return self.channels[channel.parent].nsfw if channel.parent else channel.nsfw

    def person(self, name: str = "leo", **more: Any) -> Person:
        """Create a user."""
        made = Person(self.snowflake(), name, **more)
        self.people[made.id] = made
        return made

    def direct(self, bot: Bot, person: Person) -> Channel:
        """Return the direct message channel of a bot and a user, which is always the same."""
        for known in self.channels.values():
            if (known.bot, known.person) == (bot.id, person.id):
                return known
        made = Channel(self.snowflake(), type=DM, bot=bot.id, person=person.id)
        self.channels[made.id] = made
        return made

    # Permissions

    def rights(self, bot: Bot, channel: Channel) -> int:
        """Return the bot's permissions in a channel. In its direct messages it has all of them."""
        if channel.type == DM:
            return ALL if channel.bot == bot.id else 0
        guild = self.guilds[channel.guild]
        if bot.id not in guild.members:
            return 0
        own = guild.members[bot.id]
        found = guild.roles[guild.id]
        for role in own:
            found |= guild.roles[role]
        for who in ([guild.id], own, [bot.id]):
            for one in [each for each in channel.overwrites if each["id"] in who]:
                found = found & ~int(one["deny"]) | int(one["allow"])
        return found

    def seen(self, bot: Bot, channel_id: str, needed: int = VIEW) -> Channel:
        """Return a channel in which the bot has the needed permissions. Raise Refusal."""
        channel = self.channels.get(channel_id)
        if channel is None:
            raise Refusal(404, 10003, "Unknown Channel")
        rights = self.rights(bot, channel)
        if not rights & VIEW:
            raise Refusal(403, 50001, "Missing Access")
        if rights & needed != needed:
            raise Refusal(403, 50013, "Missing Permissions")
        return channel

    # Messages

    def post(self, channel: Channel, author: Json, body: Json, *, nonce: str = "") -> Message:
        """Add a message. Its content is trimmed, as Discord does."""
        at, text = self.clock(), str(body.get("content") or "")
        made = Message(
            self.snowflake(), channel.id, author, text, {**body, "content": text.strip()}, nonce, at
        )
        channel.messages.append(made)
        if nonce:
            self.nonces[author["id"], nonce] = made
        return made

    def same(self, author: str, nonce: str) -> Message | None:
        """Return the author's message with this nonce if it was sent in the last two minutes."""
        known = self.nonces.get((author, nonce))
        return known if known is not None and self.clock() - known.at <= NONCE_LIVES else None

    def shown(self, message: Message, *, nonce: bool = False) -> Json:
        """Return a message as the API does."""
        body = message.body
        told = {
            "id": message.id,
            "channel_id": message.channel,
            "author": message.author,
            "content": body["content"],
            "timestamp": message.at.isoformat(),
            "edited_timestamp": message.edited.isoformat() if message.edited else None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": body.get("attachments") or [],
            "embeds": [],
            "components": [],
            "flags": 1 if message.passed_on else 0,
            "pinned": False,
            "type": 0,
        }
        if body.get("reactions"):
            told["reactions"] = body["reactions"]
        return told | ({"nonce": message.nonce} if nonce and message.nonce else {})


def user(id_: str, name: str, *, bot: bool = False) -> Json:
    """Return a user as the API does."""
    return {
        "id": id_,
        "username": name,
        "discriminator": "0",
        "global_name": None if bot else name.capitalize(),
        "avatar": None,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": None,
        "bot": bot,
    }


def application(bot: Bot) -> Json:
    """Return a bot's application as the API does."""
    return {
        "id": bot.id,
        "name": bot.name,
        "description": "",
        "icon": None,
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "owner": user("1", "owner"),
        "flags": 0,
    }
