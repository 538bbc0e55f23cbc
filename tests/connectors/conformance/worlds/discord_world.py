"""Discord test worlds: a bot in an age-restricted channel, and its direct messages with one user."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from connectors.conformance.world import (
    TEST_TENANT,
    ConnectorWorld,
    WorldRoles,
    conformance_transport,
)
from connectors.platforms.discord.ids import SPOILER_PREFIX, ChannelRef, message_nonce
from connectors.platforms.discord.publisher import Discord
from connectors.transport.transport import AccountTarget
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from tests.fakes.discord.server import FakeDiscord
from tests.fakes.discord.state import ALL, ANNOUNCEMENT, MANAGE_ROLES, Channel, Message


@dataclass
class DiscordFake:
    """Discord, limited to one channel."""

    discord: FakeDiscord
    channel: Channel
    guild: str

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        others = {
            "files": "@me",
            "guilds": self.guild,
            "roles": self.guild,
        }  # a user's channel is requested before its ID is known
        self.discord.book.schedule_fault(
            mode, account=others.get(on, self.channel.id), on=on, **more
        )

    def _name(self, message: Message) -> str:
        return f"{message.channel}/{message.id}" if self.channel.person else message.id

    def accepted_posts(self) -> list[tuple[str, str]]:
        return [(self._name(one), one.received) for one in self.discord.sent(self.channel)]

    def live_post_ids(self) -> set[str]:
        return {self._name(one) for one in self.discord.sent(self.channel) if not one.deleted}

    def says(self, native_id: str) -> tuple[str, int]:
        """Return the text of a message and the number of its attachments."""
        found = next(one for one in self.discord.sent(self.channel) if self._name(one) == native_id)
        return str(found.body["content"]), len(found.body.get("attachments") or ())

    def passed_on(self, native_id: str) -> bool:
        """Return True if the message was crossposted to following servers."""
        return any(
            one.passed_on is not None for one in self.channel.messages if one.id == native_id
        )

    def requests(self) -> list[Mapping[str, Any]]:
        return [
            entry
            for entry in self.discord.book.list_requests()
            if entry["account"] == self.channel.id
        ]


def is_blurred(wire: Mapping[str, Any]) -> bool:
    """Return True if every attachment of a message is a spoiler."""
    files = wire.get("payload_json", {}).get("attachments", ())
    return bool(files) and all(file["filename"].startswith(SPOILER_PREFIX) for file in files)


def create_world(discord: FakeDiscord, kind: str, http: HttpClient) -> ConnectorWorld:
    """Create a new world: `discord` or `discord_dm`."""
    there = discord.world
    bot, leo = there.bot(), there.person()
    guild = there.guild(bot, rights=ALL | MANAGE_ROLES)
    guild.members[leo.id], role = [], there.role(guild)
    channel, chat = there.channel(guild, nsfw=True, type_=ANNOUNCEMENT), kind == "discord_dm"
    place, token = ChannelRef(channel.id, guild.id, bot.id), Sealed(bot.token.encode())
    return ConnectorWorld(
        name=kind,
        connector=Discord(),
        account=AccountTarget(TEST_TENANT, uuid7(), place.account, discord.api, token),
        fake=(fake := DiscordFake(discord, there.direct(bot, leo) if chat else channel, guild.id)),
        says=fake.says,
        passed_on=None if chat else fake.passed_on,
        surface="discord.dm" if chat else "discord.guild_channel",
        transport=conformance_transport(http),
        clock=discord.clock,
        address=None if chat else place.url,
        elsewhere=(
            f"https://discord.com/channels/{guild.id}/1/2",
            f"https://discord.com/channels/{guild.id}",
        ),
        named_on="metrics",
        viewer=leo.id if chat else "",
        counts="likes",
        followers=partial(setattr, guild, "followers"),
        followers_on="guilds",
        roles=WorldRoles(
            role, leo.id, there.person("max").id, lambda: role in guild.members[leo.id]
        ),
        flags=("spoiler=true",),
        told=is_blurred,
        flagged_media=1,
        key_on_wire=message_nonce,
    )
