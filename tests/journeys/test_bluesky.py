"""Bluesky from the sealed form to the removal, on real PostgreSQL and through the real routes."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from channels.accounts import queries as channel_reads
from channels.accounts.states import ChannelState
from channels.connections import account_setup
from channels.connections.states import AccountSetupState
from connectors.platforms.bluesky.account import CHAT_SURFACE
from connectors.platforms.bluesky.record import record_key_time
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.ops.settings import (
    ConnectorsSettings,
    DatabaseSettings,
    GateSettings,
    Settings,
    TenantsSettings,
)
from schedules.approvals.time_changes import expedite_delivery
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from subscribers.inbox import member_actions
from subscribers.replies import persona
from tenants.vault import sealed_intake
from tests.conftest import Cluster
from tests.fakes.bluesky import chats
from tests.fakes.bluesky.server import FakeBluesky, Repo, bluesky
from tests.fakes.sandbox import RunningSandbox, network
from tests.generators import video_builders
from tests.journeys.oauth_accounts import add_video
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.subscribers.builders import NOVA
from workers.listeners.factory import make_listener, make_listener_pool
from workers.relay.ticks import TICKS
from workers.wiring import Services, build_services

MASTER = bytes(range(32))
PASSWORD = "abcd-efgh-ijkl-mnop"


@dataclass
class House:
    """Léa's agency, and the server of her account."""

    desk: SandboxAgency
    server: FakeBluesky
    repo: Repo

    def enrol(self, **typed: str) -> account_setup.AccountSetup:
        """Submit the form and run the workers."""
        form = {"handle": f"@{self.repo.handle}", "app_password": PASSWORD, "server": "", **typed}
        letter = sealed_intake.seal_form(
            sealed_intake.derive_public_key(MASTER), self.desk.tenant_id, form
        )
        with self.desk.scope(f"member:{self.desk.author}") as scope:
            wish = account_setup.request_setup(
                scope, creator_id=self.desk.creator_id, platform="bluesky", letter=letter
            )
        self.desk.run()
        with self.desk.scope() as scope:
            found = account_setup.get_setup(scope, wish)
        if found.channel_id is not None:
            self.desk.channels["sky"] = found.channel_id
        return found

    def channel(self) -> channel_reads.Channel:
        """Return her account."""
        with self.desk.scope() as scope:
            return channel_reads.get_channel(scope, self.desk.channels["sky"])

    def live(self, **for_: float) -> None:
        """Advance both clocks, run the periodic jobs every minute and the due work."""
        left, apart = timedelta(**for_), self.server.clock() - self.desk.now()
        while left > timedelta(0):
            step = min(left, timedelta(minutes=1))
            for tick in TICKS:
                if tick.seconds <= 60:  # slower jobs write no rows that this account needs
                    tick.write_rows(self.desk.services.tenant)
            self.desk.live(seconds=step.total_seconds())
            self.server.clock.advance(
                (self.desk.now() + apart - self.server.clock()).total_seconds()
            )
            left -= step

    def jump(self, **by: float) -> None:
        """Advance both clocks while no process runs."""
        self.desk.pass_time(**by)
        self.server.clock.advance(timedelta(**by).total_seconds())

    def texts(self) -> list[str]:
        """Return every text that the server ever accepted."""
        return [record["text"] for _, record in self.repo.taken]

    def record(self, delivery_id: UUID) -> Mapping[str, Any]:
        """Return the record of a delivery."""
        return self.repo.records[_rkey(self.desk, delivery_id)]


def _rkey(desk: SandboxAgency, delivery_id: UUID) -> str:
    url = desk.entry(delivery_id).url
    assert url is not None
    return url.rpartition("/")[2]


@pytest.fixture(scope="module")
def server() -> Iterator[FakeBluesky]:
    with bluesky() as running:
        yield running


@pytest.fixture(scope="module")
def services(
    cluster: Cluster, server: FakeBluesky, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    with _wired(cluster, server, tmp_path_factory.mktemp("home")) as found:
        yield found


@contextmanager
def _wired(cluster: Cluster, server: FakeBluesky, home: Path) -> Iterator[Services]:
    key = base64.b64encode(MASTER).decode()
    settings = Settings(
        home=home,
        environment="test",
        database=DatabaseSettings(work_url=cluster.url("greenroom_work", "house")),
        tenants=TenantsSettings(master_key=key),
        gate=GateSettings(signing_key=key),
        connectors=ConnectorsSettings(bluesky_url=server.url),
    )
    with build_services(settings, pool_size=8, application="tests") as services:
        yield services


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def house(services: Services, running: RunningSandbox, server: FakeBluesky) -> Iterator[House]:
    made = create_sandbox_agency(services, running)
    repo = server.account(f"lea-{str(made.tenant_id)[-8:]}.bsky.social", PASSWORD)
    yield House(made, server, repo)
    server.book.clear_faults()


def test_account_connects_publishes_removes_and_renews_its_token(house: House) -> None:
    lea = house.desk
    wish = house.enrol()
    assert wish.state == AccountSetupState.CONNECTED, wish.reason
    channel = house.channel()
    assert (channel.account, channel.name, channel.base_url) == (
        house.repo.did,
        house.repo.handle,
        house.server.url,
    )
    assert channel.expires_at is not None
    assert abs(channel.expires_at - lea.now() - timedelta(hours=2)) < timedelta(minutes=1)
    lea.act(account_setup.request_test, channel.id)
    lea.run()

    photo = lea.photo(1)
    first = lea.delivery("Bonjour 👩‍👩‍👧‍👦 #plage", channel="sky", after=1200, media=(photo,))
    house.live(minutes=25)
    assert lea.state(first) is DeliveryState.PUBLISHED
    record = house.record(first)
    assert record["langs"] == ["fr"]
    image = record["embed"]["images"][0]
    assert (image["alt"], image["aspectRatio"]) == ("picture 1", {"width": 96, "height": 64})
    start = record["facets"][0]["index"]["byteStart"]
    assert record["text"].encode()[start:].decode() == "#plage"
    key = (lea.entry(first).url or "").rpartition("/")[2]
    made = record_key_time(key)
    assert made is not None
    assert record["createdAt"].startswith(made.isoformat()[:19])

    house.server.book.schedule_fault("reset_after", on="posts")
    lost = lea.delivery("perdue, puis retrouvée", channel="sky", media=(lea.photo(2),))
    lea.run()
    assert lea.state(lost) is DeliveryState.UNCERTAIN
    house.live(minutes=2)
    assert lea.state(lost) is DeliveryState.PUBLISHED
    assert house.texts().count("perdue, puis retrouvée") == 1
    assert len(lea.attempts(lost)) == 1, "found by its key, not sent again"

    lea.act(post_removal.request_post_removal, lost)
    house.live(minutes=2)
    assert lea.state(lost) is DeliveryState.REMOVED
    assert "perdue, puis retrouvée" not in [one["text"] for one in house.repo.records.values()]

    house.live(hours=2, minutes=10)
    assert house.channel().generation == 2, "renewed before its expiry"
    next_one = lea.delivery("après le renouvellement", channel="sky")
    lea.run()
    assert lea.state(next_one) is DeliveryState.PUBLISHED


def test_external_deletion_is_recorded_after_two_lookups(house: House) -> None:
    desk = house.desk
    house.enrol()
    kept, gone = (desk.delivery(words, channel="sky") for words in ("Reste là", "Disparaît"))
    house.live(minutes=2)
    del house.repo.records[_rkey(desk, gone)]
    desk.live(minutes=70)
    assert desk.state(gone) is DeliveryState.PUBLISHED, "one lookup proves nothing"
    desk.live(minutes=70)
    assert (desk.state(gone), desk.why(gone)) == (DeliveryState.REMOVED, "delivery.gone_by_nobody")
    assert desk.state(kept) is DeliveryState.PUBLISHED


def test_expired_token_is_renewed_and_the_post_published(house: House) -> None:
    lea = house.desk
    assert house.enrol().state == AccountSetupState.CONNECTED
    for token in house.server.sessions.access.values():
        token.ends_at -= timedelta(hours=2)  # sooner than announced
    post = lea.delivery("au milieu", channel="sky")
    house.jump(minutes=6)
    lea.run()
    house.live(seconds=30)
    assert lea.state(post) is DeliveryState.PUBLISHED
    assert house.texts() == ["au milieu"]
    assert house.channel().state == ChannelState.ACTIVE
    assert [step for step in lea.states(post) if step == "held"] == []


def test_absent_post_is_resent_with_the_same_key(house: House) -> None:
    lea = house.desk
    house.enrol()
    house.server.book.schedule_fault("reset_before", on="posts")
    post = lea.delivery("deux essais", channel="sky")
    lea.run()
    assert lea.state(post) is DeliveryState.UNCERTAIN
    house.live(minutes=2)
    assert lea.state(post) is DeliveryState.PUBLISHED
    assert house.texts() == ["deux essais"]
    keys = {key for (key,) in _keys(lea, post)}
    assert len(keys) == 1


def test_refused_post_gets_a_key_with_the_new_time(house: House) -> None:
    lea = house.desk
    house.enrol()
    house.server.book.schedule_fault("status:422", on="posts")
    post = lea.delivery("plus tard", channel="sky")
    lea.run()
    assert lea.state(post) is DeliveryState.FAILED
    house.jump(hours=1)
    lea.act(expedite_delivery, post)
    lea.run()
    assert lea.state(post) is DeliveryState.PUBLISHED
    first, second = (record_key_time(key) for (key,) in _keys(lea, post))
    assert first is not None
    assert second is not None
    assert second - first >= timedelta(hours=1), "readers see the current time"


def _keys(lea: SandboxAgency, delivery_id: UUID) -> list[Any]:
    with lea.scope() as scope:
        return list(
            scope.run(
                "SELECT native_key FROM attempts WHERE tenant_id = :tenant AND subject_id = :id "
                "AND kind = 'send'"
                " ORDER BY n",
                tenant=lea.tenant_id,
                id=delivery_id,
            )
        )


def test_expired_uploads_are_repeated(house: House) -> None:
    lea = house.desk
    house.enrol()
    house.server.book.schedule_fault("status:429", on="posts", retry_after=7200)
    post = lea.delivery("deux fois", channel="sky", media=(lea.photo(3),), late_ok=None)
    lea.run()
    assert lea.state(post) is DeliveryState.SCHEDULED
    house.live(hours=2, minutes=2)
    assert lea.state(post) is DeliveryState.PUBLISHED
    uploads = [entry for entry in house.server.book.list_requests() if entry["kind"] == "files"]
    assert len(uploads[-2:]) == 2
    assert uploads[-1]["digest"] == uploads[-2]["digest"]


def test_video_is_found_by_its_key_and_removed(house: House) -> None:
    lea, shown = house.desk, add_video(house.desk)
    house.enrol()
    house.server.book.schedule_fault("reset_after", on="posts")
    post = lea.delivery("un film", channel="sky", media=(shown,), after=1200)
    house.live(minutes=19)
    (upload,) = house.repo.blobs.values()
    assert (upload.mime, upload.used, house.texts()) == ("video/mp4", False, []), "uploaded early"
    house.live(minutes=5)
    assert lea.state(post) is DeliveryState.PUBLISHED
    assert house.texts() == ["un film"]
    embed = house.record(post)["embed"]
    assert (embed["$type"], embed["alt"]) == ("app.bsky.embed.video", "waves on a beach")
    assert embed["aspectRatio"] == {"width": video_builders.WIDE, "height": video_builders.HIGH}
    assert embed["video"]["size"] == upload.size
    lea.act(post_removal.request_post_removal, post)
    house.live(minutes=2)
    assert lea.state(post) is DeliveryState.REMOVED
    assert house.repo.records == {}


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"app_password": "wrong"}, "bluesky.not_let_in"),
        ({"app_password": "the main password"}, "bluesky.second_factor"),
        ({"server": "ftp://pds.example"}, "enrolment.address_refused"),
        ({"server": "https://lea@pds.example/x"}, "enrolment.address_refused"),
    ],
)
def test_refused_setup_names_the_reason(house: House, typed: dict[str, str], code: str) -> None:
    wish = house.enrol(**typed)
    assert wish.state == AccountSetupState.REFUSED
    assert wish.reason is not None
    assert wish.reason.code == code
    with house.desk.scope() as scope:
        row = scope.run(
            "SELECT letter FROM enrolments WHERE tenant_id = :t", t=house.desk.tenant_id
        ).scalar_one()
    assert bytes(row) == b"", "the sealed form is deleted"
    with house.desk.services.tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
        assert scope.now


def test_server_named_in_the_form_is_used(house: House) -> None:
    wish = house.enrol(server=house.server.url)
    assert wish.state == AccountSetupState.CONNECTED


def _rows(house: House, statement: str, **more: Any) -> list[Any]:
    with house.desk.scope() as scope:
        return list(scope.run(statement, tenant=house.desk.tenant_id, **more))


def _hears(house: House) -> list[str]:
    """Poll the account, process the updates and return all incoming messages of the inbox."""
    house.live(seconds=30)
    make_listener(house.desk.services, house.channel()).poll_once()
    house.live(seconds=30)
    return [
        row.body
        for row in _rows(house, "SELECT body FROM messages WHERE direction = 'in' ORDER BY seq")
    ]


@pytest.mark.heavy
@pytest.mark.parametrize("mode", ["", "reset_after", "reset_before"])
def test_message_is_received_and_answered_once_under_faults(house: House, mode: str) -> None:
    lea, repo, server = house.desk, house.repo, house.server
    with lea.scope() as scope:
        persona.activate_persona(scope, persona.create_persona_version(scope, lea.creator_id, NOVA))
    leo = server.account(f"leo-{str(lea.tenant_id)[-8:]}.bsky.social")
    chats.send_message(server, leo, repo, "ce que j’ai écrit bien avant")
    house.enrol()
    assert house.channel().chat_surface == CHAT_SURFACE
    assert _hears(house) == [], "earlier messages are not imported"
    chats.send_message(server, leo, repo, "bonjour !")
    assert _hears(house) == ["bonjour !"]
    if mode:
        server.book.schedule_fault(mode, on="messages", seconds=0.2)
    (talk,) = _rows(house, "SELECT id FROM conversations WHERE tenant_id = :tenant")
    key = uuid7()
    with lea.scope(f"member:{lea.author}") as scope:
        member_actions.take_over_conversation(scope, talk.id, lea.author)
        member_actions.send_member_reply(scope, talk.id, lea.author, "Bonjour Léo", key=key)
    house.live(minutes=6)
    (draft,) = _rows(
        house, "SELECT state FROM drafts WHERE tenant_id = :tenant AND id = :id", id=key
    )
    arrived = [
        one.text for one in server.chats.between(leo.did, repo.did).said if one.by == repo.did
    ]
    assert (draft.state, arrived.count("Bonjour Léo")) == ("sent", 1)
    assert _hears(house) == ["bonjour !"], "our reply is no incoming message"


def test_app_password_without_messages_still_posts(house: House) -> None:
    house.server.chats.shut.add(house.repo.did)
    assert house.enrol().state == AccountSetupState.CONNECTED
    assert not make_listener_pool(house.desk.services)._chatty(house.channel())
    house.server.chats.shut.clear()
    house.enrol()
    assert make_listener_pool(house.desk.services)._chatty(house.channel())
    house.server.chats.shut.add(house.repo.did)  # revoked later: only messages stop
    assert _hears(house) == []
    assert house.channel().state == ChannelState.ACTIVE
