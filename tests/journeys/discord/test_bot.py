"""A Discord bot, from the sealed form that connects it to the reply that its first fan receives."""

import base64
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from channels.accounts import queries as channel_reads
from channels.connections import account_setup
from channels.connections.account_setup import AccountSetup
from foundation.i18n.translation import Message, render_message
from foundation.ids import uuid7
from foundation.ops.settings import (
    ConnectorsSettings,
    DatabaseSettings,
    GateSettings,
    Settings,
    TenantsSettings,
)
from generators.engines.text.templates import TemplateEngine
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from subscribers.replies import persona
from tenants.agencies import agencies
from tenants.agencies import rights as tenant_roles
from tenants.notices.queries import list_open_notices
from tenants.vault import sealed_intake
from tests.conftest import Cluster, wait_until
from tests.fakes.discord.server import FakeDiscord, discord
from tests.fakes.discord.spec import load_description
from tests.fakes.discord.state import ALL, ATTACH, Bot, Channel, Guild, Person
from tests.journeys.oauth_accounts import add_suggestive_picture
from tests.schedules.builders import ZONE, SandboxAgency
from tests.subscribers.builders import NOVA
from workers.listeners.discord import gateway
from workers.listeners.factory import make_listener, make_listener_pool
from workers.listeners.polling import AccountListener
from workers.wiring import Services, build_services

MASTER = bytes(range(32))


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeDiscord]:
    with discord(load_description()) as running:
        yield running
        assert running.spec.refused == []


@pytest.fixture(scope="module")
def services(
    cluster: Cluster, fake: FakeDiscord, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    key = base64.b64encode(MASTER).decode()
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        environment="test",
        database=DatabaseSettings(work_url=cluster.url("greenroom_work", "house")),
        tenants=TenantsSettings(master_key=key),
        gate=GateSettings(signing_key=key),
        connectors=ConnectorsSettings(discord_url=fake.api),
    )
    with build_services(settings, pool_size=8, application="tests") as found:
        yield replace(found, chat_engine=TemplateEngine)


@dataclass
class House:
    """Nova's agency with one bot, its server and a fan."""

    desk: SandboxAgency
    fake: FakeDiscord
    bot: Bot
    guild: Guild
    place: Channel
    leo: Person

    def enrol(self, **typed: str) -> AccountSetup:
        """Submit the bot's setup form and return the result."""
        link = f"https://discord.com/channels/{self.guild.id}/{self.place.id}"
        form = {"token": self.bot.token, "channel": link, **typed}
        letter = sealed_intake.seal_form(
            sealed_intake.derive_public_key(MASTER), self.desk.tenant_id, form
        )
        with self.desk.scope() as scope:
            asked = account_setup.request_setup(
                scope, creator_id=self.desk.creator_id, platform="discord", letter=letter
            )
        self.desk.run()
        with self.desk.scope() as scope:
            found = account_setup.get_setup(scope, asked)
        if found.channel_id is not None:
            self.desk.channels["main"] = found.channel_id
        return found

    def posts(self) -> list[str]:
        """Return the texts of all messages in the channel, deleted ones included."""
        return [message.body["content"] for message in self.fake.sent(self.place)]

    def answers(self) -> list[str]:
        """Return the bot's messages to Leo."""
        return [
            message.body["content"]
            for message in self.fake.sent(self.fake.world.direct(self.bot, self.leo))
        ]

    def heard(self) -> list[str]:
        """Return the stored messages of Leo."""
        with self.desk.scope() as scope:
            rows = scope.run(
                "SELECT m.body FROM messages m WHERE m.tenant_id = :tenant AND m.direction = 'in' "
                "ORDER BY m.seq",
                tenant=self.desk.tenant_id,
            )
            return [row.body for row in rows]

    def ear(self) -> AccountListener:
        """Start the listener of a new process."""
        with self.desk.scope() as scope:
            channel = channel_reads.get_channel(scope, self.desk.channels["main"])
        made = make_listener(self.desk.services, channel)
        assert isinstance(made, gateway.DiscordGatewayListener)
        made.identify_seconds = 0.05  # type: ignore[misc]  # a test does not wait five seconds
        made.start()
        wait_until(lambda: bool(self.fake.gateway.open_sessions(self.bot)))
        return made

    def over(self, ear: AccountListener) -> None:
        """Stop the listener's process."""
        ear.stop()
        wait_until(lambda: not ear.is_alive)


@pytest.fixture
def house(services: Services, fake: FakeDiscord) -> House:
    tenant_id = uuid7()
    with services.tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Agence", language="fr", zone=ZONE)
        creator_id = agencies.add_creator(
            scope,
            slug="nova",
            name="Nova",
            kind="virtual",
            zone=ZONE,
            languages=["en"],
            approval_tiers=1,
        )
        author, manager = (
            agencies.add_member(
                scope, name=name, email=f"{name}@example.test", role=role, language="fr", zone=ZONE
            )
            for name, role in (
                ("Anne", tenant_roles.Role.MANAGER),
                ("Marc", tenant_roles.Role.OWNER),
            )
        )
        persona.activate_persona(scope, persona.create_persona_version(scope, creator_id, NOVA))
        scope.run(
            "UPDATE creators SET rating_ceiling = 'E' WHERE tenant_id = :tenant", tenant=tenant_id
        )
    network: Any = fake  # the desk uses only the clock of the network
    bot = fake.world.bot()
    guild = fake.world.guild(bot)
    desk = SandboxAgency(services, network, tenant_id, creator_id, author, manager)
    return House(desk, fake, bot, guild, fake.world.channel(guild), fake.world.person())


@pytest.fixture
def connected(house: House) -> House:
    assert house.enrol().reason is None
    return house


def test_sealed_form_connects_the_bot(house: House) -> None:
    found = house.enrol()
    assert (found.state, found.reason) == ("connected", None)
    with house.desk.scope() as scope:
        channel = channel_reads.get_channel(scope, house.desk.channels["main"])
    assert (channel.surface, channel.chat_surface, channel.name) == (
        "discord.guild_channel",
        "discord.dm",
        "#annonces (Studio)",
    )
    assert channel.token is not None
    assert house.bot.token.encode() not in channel.token.box
    with house.desk.scope() as scope:
        account_setup.request_test(scope, channel.id)
    house.desk.run()
    with house.desk.scope() as scope:
        assert channel_reads.get_channel(scope, channel.id).last_ok_at is not None


def test_failed_setup_reports_its_reason(house: House) -> None:
    def why(**typed: str) -> str:
        reason = house.enrol(**typed).reason
        assert reason is not None
        assert render_message(reason, "fr") != render_message(reason, "en")
        return reason.code

    assert why(token="made up") == "discord.token_unknown"
    assert why(channel="#annonces") == "discord.no_channel_link"
    assert why(channel="999999999999999999") == "discord.not_invited"
    house.place.type = 2
    assert why() == "discord.not_text"
    house.place.type = 0
    role = house.guild.members[house.bot.id][0]
    house.guild.roles[role] = ALL & ~ATTACH
    assert why() == "discord.rights"
    house.place.overwrites = [{"id": role, "type": 0, "allow": str(ATTACH), "deny": "0"}]
    assert house.enrol().reason is None
    del house.guild.members[house.bot.id]
    assert why() == "discord.not_invited"


@pytest.mark.parametrize(
    "fault", ["", "reset_after", "accept_then_hang", "status:503_after", "reset_before", "garbage"]
)
def test_post_is_published_once(connected: House, fault: str) -> None:
    house, desk = connected, connected.desk
    if fault:
        house.fake.book.schedule_fault(fault, account=house.place.id, on="posts", seconds=0.2)
    delivery = desk.delivery("Bonjour d’ici", media=(desk.photo(1),))
    desk.live(minutes=5)
    assert desk.state(delivery) is DeliveryState.PUBLISHED
    assert house.posts() == ["Bonjour d’ici"]
    assert desk.entry(
        delivery
    ).url == f"https://discord.com/channels/{house.guild.id}/{house.place.id}/" + (
        house.fake.sent(house.place)[0].id
    )
    assert house.fake.sent(house.place)[0].body["attachments"][0]["size"] > 100
    desk.act(post_removal.request_post_removal, delivery)
    desk.live(minutes=1)
    assert desk.state(delivery) is DeliveryState.REMOVED
    assert house.fake.sent(house.place)[0].deleted


def test_fan_gets_one_reply_and_the_ai_notice(connected: House) -> None:
    house, desk = connected, connected.desk
    ear = house.ear()
    house.fake.write(house.bot, house.leo, "Hello! Are you a real person?")
    wait_until(lambda: len(house.heard()) == 1)
    desk.live(minutes=1)
    name = {"name": "Nova"}
    assert house.answers() == [
        render_message(Message(f"service.{what}.virtual", name), "en")
        for what in ("notice", "truth")
    ]
    house.fake.write(house.bot, house.leo, "What do you photograph?")
    wait_until(lambda: len(house.heard()) == 2)
    desk.live(minutes=1)
    answered = house.answers()
    assert len(answered) == 3
    house.over(ear)

    said = house.fake.world.direct(house.bot, house.leo).messages
    again = house.ear()  # a restart, a broken connection and a gateway that repeats every event
    for message in [one for one in said if not one.author["bot"]]:
        house.fake.repeat(house.bot, message)
    house.fake.gateway.drop(house.bot)
    wait_until(lambda: "resume" in house.fake.gateway.log)
    house.fake.write(house.bot, house.leo, "/stop")
    wait_until(lambda: len(house.heard()) == 3)
    desk.live(minutes=1)
    assert house.answers() == [*answered, render_message(Message("service.stopped.sales"), "en")]
    house.over(again)


def test_messages_sent_while_offline_are_received_later(connected: House) -> None:
    house = connected
    ear = house.ear()
    house.fake.write(house.bot, house.leo, "un")
    wait_until(lambda: house.heard() == ["un"])
    house.over(ear)
    for text in ("deux", "trois"):
        house.fake.write(house.bot, house.leo, text)
    ear = house.ear()
    wait_until(lambda: house.heard() == ["un", "deux", "trois"])
    house.fake.gateway.forget()  # the platform restarts: the session cannot be resumed
    house.fake.gateway.drop(house.bot)
    house.over(ear)
    assert house.heard() == ["un", "deux", "trois"]


@pytest.mark.parametrize("how", ["dropped", "reconnect requested", "forgotten"])
def test_broken_connection_loses_no_message(connected: House, how: str) -> None:
    house, gateway = connected, connected.fake.gateway
    ear = house.ear()
    house.fake.write(house.bot, house.leo, "avant")
    wait_until(lambda: house.heard() == ["avant"])
    before = house.bot.identifies
    if how == "dropped":
        gateway.drop(house.bot)
    elif how == "reconnect requested":
        gateway.ask_reconnect(house.bot)
    else:
        lines = gateway.open_sessions(house.bot)
        gateway.forget()
        for session in lines:
            assert session.line is not None
            session.line.put(4000)
    house.fake.write(house.bot, house.leo, "pendant")
    wait_until(lambda: house.heard() == ["avant", "pendant"])
    wait_until(lambda: bool(gateway.open_sessions(house.bot)))
    assert house.bot.identifies - before == (how == "forgotten")
    house.over(ear)


def test_button_press_is_stored_then_acknowledged_once(connected: House) -> None:
    house = connected
    ear = house.ear()
    press = house.fake.press(house.bot, house.leo, "age:", locale="fr")
    wait_until(lambda: press in house.fake.acks)
    assert house.fake.acks[press] == {"type": 6}
    assert house.heard() == ["age:"]
    house.desk.live(minutes=1)
    assert render_message(Message("service.age.none_here"), "fr") in house.answers()
    house.over(ear)


def test_file_without_text_notifies_members(connected: House) -> None:
    house = connected
    ear = house.ear()
    house.fake.write(house.bot, house.leo, "", files=1)
    wait_until(lambda: len(house.heard()) == 1)
    with house.desk.scope() as scope:
        told = [notice.message.code for notice in list_open_notices(scope)]
    assert "chat.unreadable" in told
    house.over(ear)


def test_revoked_token_notifies_members_once(connected: House) -> None:
    house = connected
    ear = house.ear()
    before = house.fake.refused_tokens
    del house.fake.world.bots[house.bot.token]
    house.fake.gateway.drop(house.bot, 4004)
    wait_until(lambda: not ear.is_alive)
    assert house.fake.refused_tokens - before <= 6, "each refusal is followed by a longer pause"
    with house.desk.scope() as scope:
        channel = channel_reads.get_channel(scope, house.desk.channels["main"])
        told = [notice.message.code for notice in list_open_notices(scope)]
    assert channel.state == "reauthorize"
    assert told.count("channel.notice_reauthorize") == 1
    token = f"{house.bot.token}-new"
    house.fake.world.bots[token] = house.bot
    house.bot.token = token
    assert house.enrol().reason is None
    ear = house.ear()
    house.fake.write(house.bot, house.leo, "encore là ?")
    wait_until(lambda: house.heard() == ["encore là ?"])
    house.over(ear)


def test_two_channels_of_one_bot_have_one_listener(connected: House) -> None:
    house, desk = connected, connected.desk
    first = desk.channels["main"]
    other = house.fake.world.channel(house.guild, name="coulisses")
    assert house.enrol(channel=other.id).reason is None
    assert desk.channels["main"] != first
    ears = make_listener_pool(desk.services)
    thread = threading.Thread(target=ears.run, kwargs={"beat": lambda: None}, daemon=True)
    thread.start()
    wait_until(lambda: bool(house.fake.gateway.open_sessions(house.bot)))
    house.fake.write(house.bot, house.leo, "bonsoir")
    wait_until(lambda: house.heard() == ["bonsoir"])
    assert len(house.fake.gateway.open_sessions(house.bot)) == 1
    ears.stop()
    thread.join(60)
    wait_until(lambda: not house.fake.gateway.open_sessions(house.bot))
    desk.live(minutes=1)
    assert len(house.answers()) == len(set(house.answers())) >= 1


def test_suggestive_picture_is_published_only_in_nsfw_channels(connected: House) -> None:
    house, desk = connected, connected.desk
    refused = desk.delivery("Soir", media=(add_suggestive_picture(house.desk, 3),))
    desk.live(minutes=1)
    assert (desk.state(refused), desk.why(refused)) == (DeliveryState.HELD, "gate.PLATFORM_FORBIDS")
    assert house.posts() == []
    house.place.nsfw = True
    desk.pass_time(seconds=61)  # the destination check is repeated
    allowed = desk.delivery("Nuit", media=(add_suggestive_picture(house.desk, 4),))
    desk.live(minutes=1)
    assert desk.state(allowed) is DeliveryState.PUBLISHED
    house.place.nsfw = False
    desk.pass_time(seconds=61)
    later = desk.delivery("Matin", media=(add_suggestive_picture(house.desk, 5),))
    desk.live(minutes=1)
    assert desk.why(later) == "gate.PLATFORM_FORBIDS"
    general = desk.delivery("Midi")
    desk.live(minutes=1)
    assert desk.state(general) is DeliveryState.PUBLISHED
    assert house.posts() == ["Nuit", "Midi"]


def test_post_waits_until_the_destination_check_succeeds(connected: House) -> None:
    house, desk = connected, connected.desk
    house.place.nsfw = True
    house.fake.book.schedule_fault("status:503", account=house.place.id, on="lookups", times=2)
    waits = desk.delivery("Soir", media=(add_suggestive_picture(house.desk, 6),))
    desk.live(minutes=2)
    assert (desk.state(waits), desk.why(waits)) == (DeliveryState.PUBLISHED, "")
    assert house.posts() == ["Soir"]
