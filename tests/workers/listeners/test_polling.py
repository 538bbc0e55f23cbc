"""Polling: each update is stored once, crashes lose none, and only eligible accounts are polled."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from channels.accounts import lifecycle
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.connections import account_setup
from channels.connections.events import AccountTestRequested
from connectors.contract.chats import ChatUpdate
from foundation.db.database import Database, OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.ops.clock import sleep
from foundation.sealed import Sealed
from subscribers.intake import update_intake
from tenants.notices.queries import list_open_notices
from tests.channels.builders import CONNECTORS, Clockwork, Killed, World
from tests.conftest import PASSWORD, Cluster, wait_until
from tests.fakes.sandbox import RunningSandbox, network
from tests.subscribers.builders import RAILS, Studio, create_nova
from workers.listeners.polling import AccountListener, ListenerPool


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def studio(database: Database, running: RunningSandbox) -> Studio:
    return create_nova(database, running)


def keep(scope: Scope, channel: Channel, update: ChatUpdate) -> None:
    """Store an update as the installation does."""
    update_intake.receive_update(scope, channel, update, rails=RAILS, environment="test")


def ear(
    studio: Studio, *, tenant: OpenScope | None = None, hear: Callable[..., None] = keep
) -> AccountListener:
    """Return the listener of a fresh process."""
    world = studio.world
    return AccountListener(
        world.channel(),
        tenant=tenant or world.tenant,
        transport=world.transport(),
        connectors=CONNECTORS,  # type: ignore[arg-type]  # the sandbox can chat
        hear=hear,
        at_once=lambda channel, update: update.kind == "checkout" and studio.checkout(update),
    )


def said(studio: Studio, fan: str = "leo") -> list[str]:
    """Return the stored messages of a fan, in order."""
    found = studio.rows(
        "SELECT m.body FROM messages m JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id "
        "= m.conversation_id"
        " JOIN fan_identities i ON i.tenant_id = c.tenant_id AND i.fan_id = c.fan_id"
        " WHERE m.tenant_id = :tenant AND m.direction = 'in' AND i.native_id = :fan ORDER BY m.seq",
        fan=fan,
    )
    return [row.body for row in found]


def forget(studio: Studio) -> None:
    """Delete the account's cursor."""
    studio.rows("DELETE FROM listen_cursors WHERE tenant_id = :tenant RETURNING id")


def notices(studio: Studio) -> list[Message]:
    with studio.scope() as scope:
        return [notice.message for notice in list_open_notices(scope)]


def test_repeated_update_is_stored_once(studio: Studio) -> None:
    for text in ("bonjour", "tu es là ?"):
        studio.fan("leo", "message", text=text)
    for _ in range(3):
        ear(studio).poll_once()
        forget(studio)
    assert said(studio) == ["bonjour", "tu es là ?"]
    waiting = studio.rows("SELECT 1 FROM drafts WHERE tenant_id = :tenant AND kind = 'notice'")
    assert len(waiting) == 1


@pytest.mark.parametrize("paid", [False, True], ids=["a message", "a payment"])
def test_crash_at_any_point_loses_and_doubles_nothing(studio: Studio, paid: bool) -> None:
    if paid:
        studio.invoiced("leo")
        studio.fan("leo", "pay")
        ear(studio).poll_once()  # the checkout is answered, so that the payment follows
    studio.fan("leo", "message", text="merci")
    at, over = 0, False
    while not over:
        forget(studio)
        studio.world.clockwork = Clockwork(at)
        over = lived(studio)
        at += 1
    studio.world.clockwork = Clockwork()
    assert at > 10
    assert said(studio).count("merci") == 1
    charges = studio.rows("SELECT charge_id FROM payments WHERE tenant_id = :tenant")
    assert len(charges) == paid


def lived(studio: Studio) -> bool:
    """Poll once in a process that may crash; return True if it completes."""
    try:
        ear(studio).poll_once()
    except Killed:
        return False
    return True


def test_unstorable_update_does_not_block_the_account(studio: Studio) -> None:
    def hear(scope: Scope, channel: Channel, update: ChatUpdate) -> None:
        if update.text == "poison":
            raise ValueError("no one can keep this")
        keep(scope, channel, update)

    for text in ("avant", "poison", "après"):
        studio.fan("leo", "message", text=text)
    listening = ear(studio, hear=hear)
    for _ in range(2):
        with pytest.raises(ValueError, match="no one can keep this"):
            listening.poll_once()
        assert said(studio) == ["avant"]
    listening.poll_once()
    assert said(studio) == ["avant", "après"]
    assert notices(studio).count(Message("listen.set_aside", {"account": "Essai"})) == 1


def test_invalid_characters_do_not_block_the_account(studio: Studio) -> None:
    studio.fan("leo", "message", text="un \x00 signe")
    studio.fan("leo", "message", text="et la suite")
    listening = ear(studio)
    for _ in range(3):
        if said(studio)[-1:] != ["et la suite"]:  # a poll without updates would wait twenty seconds
            with suppress(Exception):
                listening.poll_once()
    assert said(studio)[-1] == "et la suite"


def test_payment_update_is_never_skipped(studio: Studio) -> None:
    broken = True

    def hear(scope: Scope, channel: Channel, update: ChatUpdate) -> None:
        if broken and update.kind == "payment":
            raise ValueError("the books are shut")
        keep(scope, channel, update)

    studio.invoiced("leo")
    studio.fan("leo", "pay")
    ear(studio).poll_once()
    listening = ear(studio, hear=hear)
    for _ in range(5):
        with pytest.raises(ValueError, match="the books are shut"):
            listening.poll_once()
    assert Message("listen.set_aside", {"account": "Essai"}) in notices(studio)
    broken = False
    listening.poll_once()
    assert (
        len(studio.rows("SELECT 1 FROM payments WHERE tenant_id = :tenant AND kind = 'matched'"))
        == 1
    )


def test_dead_token_ends_polling(studio: Studio) -> None:
    """The account is verified first, and that result ends it."""
    studio.world.network.json("POST", f"/control/token/{studio.world.account}", {"revoke": True})
    listening = ear(studio)
    listening.start()
    checks = "SELECT subject_id FROM outbox WHERE tenant_id = :tenant AND kind = 'channel.test'"
    wait_until(lambda: bool(studio.rows(checks)))
    world = studio.world
    event = AccountTestRequested(world.tenant_id, world.channel_id)
    account_setup.verify_account(
        event, tenant=world.tenant, transport=world.transport(), connectors=CONNECTORS
    )
    wait_until(lambda: not listening.is_alive)
    assert studio.world.channel().state == ChannelState.REAUTHORIZE


def test_pause_during_a_poll_discards_its_updates(studio: Studio) -> None:
    def pausing(_channel: Channel, _update: ChatUpdate) -> bool:
        raise AssertionError("received after the pause")

    listening = ear(studio)
    listening._at_once = pausing
    listening.start()
    sleep(0.2)
    with studio.scope() as scope:
        lifecycle.pause_account(scope, studio.world.channel_id, Message("channel.token_refused"))
    studio.fan("leo", "message", text="personne ne m'entend")
    wait_until(lambda: not listening.is_alive)
    assert said(studio) == []


@dataclass
class Line:
    """A proxy to the database that can be interrupted."""

    to: int
    port: int = 0
    cut: bool = False
    pairs: list[socket.socket] = field(default_factory=list)

    def serve(self, door: socket.socket) -> None:
        """Forward connections until the listening socket closes."""
        while True:
            try:
                near, _ = door.accept()
            except OSError:
                return
            if self.cut:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self.to))
            self.pairs += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def break_off(self) -> None:
        """End every connection and refuse new ones."""
        self.cut = True
        for end in self.pairs:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def line(cluster: Cluster) -> Iterator[Line]:
    """Start a proxy to the database of these tests."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        found = Line(cluster.port, door.getsockname()[1])
        threading.Thread(target=found.serve, args=(door,), daemon=True).start()
        yield found
        found.break_off()
        for end in found.pairs:
            end.close()


def test_short_database_outage_loses_no_message(studio: Studio, cluster: Cluster) -> None:
    with line(cluster) as between:
        address = cluster.url("greenroom_work", "house").replace(
            f":{cluster.port}/", f":{between.port}/"
        )
        assert PASSWORD in address
        away = Database(address, pool_size=2)
        listening = ear(studio, tenant=away.scope)
        listening.start()
        studio.fan("leo", "message", text="un")
        wait_until(lambda: said(studio) == ["un"])
        between.break_off()
        studio.fan("leo", "message", text="deux")
        sleep(0.8)
        assert said(studio) == ["un"]
        between.cut = False
        wait_until(lambda: said(studio) == ["un", "deux"])
        listening.stop()
        away.close()


def test_listener_pool_follows_connected_accounts(
    database: Database, running: RunningSandbox
) -> None:
    studio = create_nova(database, running)
    world = studio.world
    connected = []

    def chatty(channel: Channel) -> bool:
        mine = channel.tenant_id == world.tenant_id
        return mine and bool(channel.chat_surface) and channel.state == ChannelState.ACTIVE

    def make(channel: Channel) -> AccountListener:
        connected.append(channel.account)
        return ear(studio)

    ears = ListenerPool(make, tenant=world.tenant, chatty=chatty, refresh_seconds=0.3)
    beats: list[int] = []
    thread = threading.Thread(target=partial(ears.run, beat=lambda: beats.append(1)), daemon=True)
    thread.start()
    studio.fan("leo", "message", text="un")
    wait_until(lambda: said(studio) == ["un"])
    with studio.scope() as scope:
        lifecycle.pause_account(scope, world.channel_id, Message("channel.token_refused"))
    wait_until(lambda: ears.find_listener(world.channel_id) is None)
    studio.fan("leo", "message", text="deux")
    sleep(1.0)
    assert said(studio) == ["un"]
    connect_again(world)
    with studio.scope() as scope:
        lifecycle.resume_account(scope, world.channel_id)
    wait_until(lambda: said(studio) == ["un", "deux"])
    assert connected == [world.account] * 2
    ears.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert beats


def test_failed_refresh_is_repeated_at_once() -> None:
    """A successful refresh is followed by a minute without one, in which an account without a
    listener would stay silent."""
    looks: list[int] = []

    def away(*asked: object, **more: object) -> Any:
        looks.append(1)
        sleep(0.01)
        raise OSError("the database is away")

    ears = ListenerPool(
        lambda _: pytest.fail("?"), tenant=away, chatty=bool, refresh_seconds=0.05, rests=1_000_000
    )
    thread = threading.Thread(target=partial(ears.run, beat=lambda: None), daemon=True)
    thread.start()
    wait_until(lambda: len(looks) > 2, 30)
    ears.stop()
    thread.join(30)
    assert not thread.is_alive()


@pytest.mark.parametrize("where", ["inbox", "make"])
def test_broken_account_stops_only_its_own_listener_and_is_reported(
    database: Database, running: RunningSandbox, where: str
) -> None:
    good, bad = create_nova(database, running), create_nova(database, running)
    tenants = {good.world.tenant_id, bad.world.tenant_id}

    def inbox(channel: Channel) -> UUID:
        if where == "inbox" and channel.tenant_id == bad.world.tenant_id:
            raise ValueError("not enough values to unpack")
        return channel.id

    def make(channel: Channel) -> AccountListener:
        if channel.tenant_id == bad.world.tenant_id:
            raise ValueError("no such account")
        return ear(good)

    ears = ListenerPool(
        make,
        tenant=database.scope,
        chatty=lambda channel: channel.tenant_id in tenants and bool(channel.chat_surface),
        inbox=inbox,
        refresh_seconds=0.1,
    )
    beats: list[int] = []
    thread = threading.Thread(target=partial(ears.run, beat=lambda: beats.append(1)), daemon=True)
    thread.start()
    good.fan("leo", "message", text="un")
    wait_until(lambda: said(good) == ["un"])
    wait_until(lambda: len(beats) > 2)
    ears.stop()
    thread.join(30)
    assert [one.code for one in notices(bad)] == ["listen.deaf"]
    assert notices(good) == []


def connect_again(world: World) -> None:
    """Connect the account again with the same token; a pause is kept."""
    with world.scope() as scope:
        lifecycle.connect_account(
            scope,
            creator_id=world.creator_id,
            platform="sandbox",
            surface="sandbox.post",
            chat_surface="sandbox.chat",
            account=world.account,
            name="Essai",
            base_url=world.network.url,
            token=Sealed(world.network.tokens[world.account].encode()),
            zone="Europe/Paris",
        )
    assert world.channel().state == ChannelState.PAUSED


def test_account_connected_later_is_polled(
    database: Database, running: RunningSandbox, tmp_path: Path
) -> None:
    """Not only accounts that existed when the process started."""
    heard: list[str] = []
    first = create_nova(database, running)
    tenants = {first.world.tenant_id}

    def make(channel: Channel) -> AccountListener:
        heard.append(channel.account)
        return ear(first if channel.account == first.world.account else later[0])

    later: list[Studio] = []
    ears = ListenerPool(
        make,
        tenant=database.scope,
        chatty=lambda channel: channel.tenant_id in tenants and bool(channel.chat_surface),
        refresh_seconds=0.3,
    )
    thread = threading.Thread(target=partial(ears.run, beat=lambda: None), daemon=True)
    thread.start()
    wait_until(lambda: heard == [first.world.account])
    later.append(create_nova(database, running))
    tenants.add(later[0].world.tenant_id)
    later[0].fan("ines", "message", text="j'arrive tard")
    wait_until(lambda: said(later[0], "ines") == ["j'arrive tard"])
    ears.stop()
    thread.join(30)
