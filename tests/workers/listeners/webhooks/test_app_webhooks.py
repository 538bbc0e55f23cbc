"""Fanvue webhooks: authorization, deduplication, and no other effect than a read, on real
PostgreSQL."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from channels.accounts import lifecycle, oauth_clients
from channels.listening import app_webhooks as room
from connectors.conformance.fake_servers import serve_app
from connectors.contract.connector import OAuthClient
from connectors.platforms.fanvue.publisher import Fanvue
from connectors.transport import signatures
from foundation.db.database import Database, DatabaseRole, Scope
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, derived_uuid, uuid7
from foundation.outbox import outbox
from insights.metrics.events import FollowersDue
from subscribers.checkout.events import EarningsDue
from subscribers.checkout.platform_earnings import HURRIED
from tests.channels.builders import World, world
from tests.conftest import Cluster, free_port, wait_until
from tests.fakes.sandbox import RunningSandbox, network
from workers.listeners.webhooks import server
from workers.listeners.webhooks.app_webhooks import SIGNATURE_TOLERANCE, AppWebhooks

SECRET, WRONG = "whsec_" + "5" * 48, "whsec_" + "6" * 48
LEA, MIA, GONE = (f"5f0c0a3e-0000-4000-8000-00000000000{n}" for n in range(3))
APPLICATION = derived_uuid("fanvue", "client-1")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@dataclass
class Agency:
    """A tenant whose application receives Fanvue webhooks, and the server that receives them."""

    at: World
    door: httpx.Client
    woken: list[UUID]
    away: list[bool]
    """Not empty: writes of the server are rolled back."""
    looked: list[UUID]
    """Tenants whose rows the server read."""
    accounts: dict[str, UUID] = field(default_factory=dict)

    def account(self, name: str) -> UUID:
        with self.at.scope() as scope:
            oauth_clients.store_oauth_client(scope, "fanvue", OAuthClient("client-1"))
            self.accounts[name] = lifecycle.connect_account(
                scope,
                creator_id=self.at.creator_id,
                platform="fanvue",
                surface="fanvue.post",
                account=name,
                name=name,
                base_url="https://fanvue.test",
                token=None,
                zone="UTC",
                app_key="client-1",
            )
        return self.accounts[name]

    def take(self, secret: str = SECRET) -> None:
        with self.at.scope() as scope:
            room.enable_app_webhooks(scope, APPLICATION, secret.encode())

    def call(
        self,
        event: object,
        *,
        secret: str = SECRET,
        late: timedelta = timedelta(0),
        to: str = "",
        signs: bytes = b"",
    ) -> int:
        """Sign and send as Fanvue does; return the status. `signs`: bytes signed in place of the
        body."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        with self.at.scope() as scope:
            at = str(int((scope.now - late).timestamp()))
        header = {
            "x-fanvue-signature": f"t={at},v0={signatures.sign_payload(secret, at, signs or body)}"
        }
        return self.door.post(to or self.address(), content=body, headers=header).status_code

    def address(self, application: UUID = APPLICATION) -> str:
        return f"/hooks/fanvue/{self.at.tenant_id}/{application}"

    def waiting(self) -> list[tuple[str, UUID]]:
        """Return the reads scheduled: kind and account."""
        with self.at.scope() as scope:
            rows = scope.run(
                "SELECT DISTINCT kind, subject_id FROM outbox WHERE tenant_id = :tenant AND kind "
                "= ANY(:kinds)"
                " ORDER BY kind, subject_id",
                tenant=self.at.tenant_id,
                kinds=["earnings.read", "followers.count"],
            )
            return [(row.kind, row.subject_id) for row in rows]

    def rows(self, statement: str) -> list[Any]:
        with self.at.scope() as scope:
            return list(scope.run(statement, tenant=self.at.tenant_id))


def event(kind: str = "payment.succeeded", account: str = LEA, key: str = "") -> dict[str, Any]:
    data = {"creator": {"uuid": account}, "gross": 10**9, "purchaser": {"handle": "leo"}}
    return {"id": key or str(uuid7()), "type": f"creator.{kind}", "data": data}


@pytest.fixture(autouse=True)
def accounts_of_other_tests(cluster: Cluster) -> None:
    """Release accounts that other tests connected under the same names."""
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE channels SET state = 'gone' WHERE platform = 'fanvue'"))
    engine.dispose()


@pytest.fixture
def lea(database: Database, running: RunningSandbox) -> Iterator[Agency]:
    woken: list[UUID] = []
    away: list[bool] = []
    looked: list[UUID] = []

    @contextmanager
    def opening(tenant_id: UUID, actor: str, *, role: DatabaseRole = "app") -> Iterator[Scope]:
        looked.append(tenant_id)
        with database.scope(tenant_id, actor, role=role) as scope:
            yield scope
            if away:
                raise OperationalError("COMMIT", {}, ConnectionError())

    calls = AppWebhooks(
        tenant=opening,
        connectors={"fanvue": Fanvue()},
        open_letter=lambda tenant_id, letter: letter.box.decode(),
        wake=woken.append,
        known_seconds=0.2,
    )
    with serve_app(
        server.create_webhook_app(lambda channel: None, lambda *call: False, calls)
    ) as url:
        made = Agency(
            world(database, running, "lea"), httpx.Client(base_url=url), woken, away, looked
        )
        made.account(LEA)
        made.take()
        yield made
        made.door.close()


def test_webhook_schedules_the_read_it_concerns(lea: Agency) -> None:
    channel = lea.accounts[LEA]
    assert lea.call(event("payment.succeeded")) == 200
    assert (lea.waiting(), lea.woken) == ([("earnings.read", channel)], [channel]), (
        "packs are sold in chats"
    )
    assert lea.call(event("follow.created")) == 200
    assert lea.waiting() == [("earnings.read", channel), ("followers.count", channel)]
    assert lea.woken == [channel]
    assert lea.call(event("message.received")) == 200
    assert lea.woken == [channel, channel]


def test_webhook_content_is_not_stored(lea: Agency) -> None:
    before = lea.rows("SELECT count(*) AS n FROM ledger_transactions WHERE tenant_id = :tenant")[
        0
    ].n
    assert lea.call(event("payment.succeeded")) == 200
    assert [row.body for row in lea.rows("SELECT body FROM inbox WHERE tenant_id = :tenant")] == [
        {"wakes": ["chats", "earnings"]}
    ]
    assert (
        lea.rows("SELECT count(*) AS n FROM ledger_transactions WHERE tenant_id = :tenant")[0].n
        == before
    )


def test_repeated_webhook_is_handled_once(lea: Agency) -> None:
    once = event("message.received", key="evt_1")
    assert [lea.call(once) for _ in range(3)] == [200, 200, 200]
    assert lea.woken == [lea.accounts[LEA]]
    lea.rows("DELETE FROM outbox WHERE tenant_id = :tenant RETURNING id")
    paid = event("payment.succeeded", key="evt_2")
    lea.call(paid)
    lea.rows("DELETE FROM outbox WHERE tenant_id = :tenant RETURNING id")
    assert lea.call(paid) == 200
    assert lea.waiting() == []


def test_burst_of_webhooks_schedules_few_reads(lea: Agency) -> None:
    for _ in range(20):
        assert lea.call(event("payment.succeeded")) == 200
    rows = lea.rows(
        "SELECT available_at FROM outbox WHERE tenant_id = :tenant AND kind = 'earnings.read'"
    )
    times = [row.available_at for row in rows]
    assert 1 <= len(times) == len(set(times)) <= 4, (
        "at most two minutes and two quarters of an hour, if one ends in between"
    )


def test_webhook_during_a_read_schedules_another(lea: Agency) -> None:
    """The read of the previous minute is in progress and may have passed the event already."""
    channel = lea.accounts[LEA]
    with lea.at.scope() as scope:
        put = outbox.put_coalesced(
            scope, EarningsDue(lea.at.tenant_id, channel, True), within=HURRIED
        )
        assert timedelta(0) < put - scope.now <= HURRIED
        before = put - HURRIED
        scope.run(
            "UPDATE outbox SET state = 'leased', lease_token = id, available_at = :at, dedupe_key "
            "= :key"
            " WHERE tenant_id = :tenant AND kind = 'earnings.read'",
            tenant=lea.at.tenant_id,
            at=before,
            key=f"soon:earnings.read:{channel}:{int(before.timestamp())}",
        )
    assert lea.call(event("payment.succeeded")) == 200
    rows = lea.rows(
        "SELECT state, available_at FROM outbox WHERE tenant_id = :tenant AND kind = "
        "'earnings.read'"
    )
    assert [row.available_at for row in rows if row.state == "leased"] == [before]
    soonest = min(row.available_at for row in rows if row.state == "waiting")
    assert soonest - before in (HURRIED, 2 * HURRIED), (
        "the current minute, or the next if it ended in between"
    )


def test_order_of_webhooks_does_not_matter(lea: Agency) -> None:
    for kind in ("refund.created", "payment.succeeded", "dispute.created"):
        assert lea.call(event(kind)) == 200
    assert lea.waiting() == [("earnings.read", lea.accounts[LEA])]


@pytest.mark.parametrize(
    "late",
    [SIGNATURE_TOLERANCE + timedelta(seconds=2), -SIGNATURE_TOLERANCE - timedelta(seconds=2)],
)
def test_webhook_outside_the_time_tolerance_is_refused(lea: Agency, late: timedelta) -> None:
    assert lea.call(event(), late=late) == 401
    assert lea.call(event(), late=late / 2) == 200
    assert len(lea.rows("SELECT 1 FROM inbox WHERE tenant_id = :tenant")) == 1


def test_webhook_with_another_secret_is_refused(lea: Agency) -> None:
    assert lea.call(event(), secret=WRONG) == 401
    assert lea.call(event(), signs=b"{}") == 401
    assert lea.door.post(lea.address(), json=event()).status_code == 401
    assert (
        lea.door.post(
            lea.address(), json=event(), headers={"x-fanvue-signature": "é".encode()}
        ).status_code
        == 401
    )
    assert lea.door.get(lea.address()).status_code == 405
    assert (lea.waiting(), lea.woken) == ([], [])


def test_new_secret_replaces_the_old_and_disabling_refuses_all(lea: Agency) -> None:
    lea.take(WRONG)
    wait_until(lambda: lea.call(event()) == 401)
    assert lea.call(event(), secret=WRONG) == 200
    with lea.at.scope() as scope:
        room.disable_app_webhooks(scope, APPLICATION)
    wait_until(lambda: lea.call(event(), secret=WRONG) == 401)
    assert lea.call(event()) == 401


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[]", b"null", b"[" * 100_000, b'{"type": 7, "id": []}']
)
def test_unreadable_signed_webhook_is_acknowledged(lea: Agency, body: bytes) -> None:
    """A signed one is acknowledged, because a repetition would change nothing; an unsigned one is
    refused."""
    assert lea.call(body) == 200
    assert lea.call(body, secret=WRONG) == 401
    assert (
        lea.waiting(),
        lea.woken,
        lea.rows("SELECT 1 FROM inbox WHERE tenant_id = :tenant"),
    ) == ([], [], [])


@pytest.mark.parametrize("kind", ["message.read", "something.new"])
def test_irrelevant_webhook_is_acknowledged(lea: Agency, kind: str) -> None:
    assert lea.call(event(kind)) == 200
    assert (lea.waiting(), lea.woken) == ([], [])


def test_oversized_webhook_is_refused(lea: Agency) -> None:
    assert lea.call(b" " * (server.MAX_SIGNED_BODY_BYTES + 1)) == 413
    assert lea.call(json.dumps(event()).encode() + b" " * 200_000) == 200


def test_unknown_webhook_addresses_are_refused(lea: Agency) -> None:
    for to in (
        lea.address(uuid7()),
        f"/hooks/fanvue/{uuid7()}/{APPLICATION}",
        f"/hooks/fanvue/x/{APPLICATION}",
        f"/hooks/telegram/{lea.at.tenant_id}/{APPLICATION}",
        f"/hooks/nowhere/{lea.at.tenant_id}/{APPLICATION}",
    ):
        assert lea.call(event(), to=to) == 401
    assert lea.waiting() == []


def test_unsigned_webhook_reads_no_other_tenant(
    lea: Agency, database: Database, running: RunningSandbox
) -> None:
    mia = Agency(world(database, running, "mia"), lea.door, lea.woken, lea.away, lea.looked)
    mia.account(MIA)
    mia.take()
    lea.looked.clear()
    assert lea.call(event(), secret=WRONG) == 401
    assert lea.call(event(), secret=WRONG, to=f"/hooks/fanvue/{uuid7()}/{APPLICATION}") == 401
    assert set(lea.looked) <= {INSTALLATION_ID, lea.at.tenant_id}


def test_webhook_affects_the_agency_of_its_address_only(
    lea: Agency, database: Database, running: RunningSandbox
) -> None:
    """The same application and account name belong to different accounts in two agencies."""
    mia = Agency(world(database, running, "mia"), lea.door, lea.woken, lea.away, lea.looked)
    theirs = mia.account(MIA)
    assert lea.call(event(account=MIA)) == 200
    assert (lea.waiting(), mia.waiting()) == ([], [])
    assert lea.call(event(account=MIA), to=mia.address()) == 401, "it does not accept webhooks"
    mia.take(WRONG)
    with mia.at.scope() as scope:
        lifecycle.require_reauthorization(scope, theirs, Message("connectors.token_refused"))
    lea.account(MIA)
    assert lea.call(event("message.received", account=MIA)) == 200
    assert lea.woken == [lea.accounts[MIA]]
    assert theirs not in lea.woken
    assert mia.waiting() == []


def test_paused_or_unknown_account_is_not_read(lea: Agency) -> None:
    with lea.at.scope() as scope:
        lifecycle.pause_account(
            scope, lea.accounts[LEA], Message("channel.paused_by", {"name": "Mia"})
        )
    assert (lea.call(event()), lea.call(event(account=GONE))) == (200, 200)
    assert (lea.waiting(), lea.woken) == ([], [])


def test_webhook_without_an_account_wakes_the_whole_application(lea: Agency) -> None:
    other = lea.account(MIA)
    assert lea.call({"id": "evt_1", "type": "creator.message.received", "data": {}}) == 200
    assert sorted(lea.woken) == sorted([lea.accounts[LEA], other])


def test_unstored_webhook_is_answered_503_and_accepted_again(lea: Agency) -> None:
    paid, heard = event("payment.succeeded"), event("message.received")
    lea.call(event("something.new"))  # this loads the applications
    lea.away.append(True)
    assert (lea.call(paid), lea.call(heard)) == (503, 503)
    assert (lea.waiting(), lea.woken) == ([], [])
    lea.away.clear()
    assert (lea.call(paid), lea.call(heard)) == (200, 200)
    assert (lea.waiting(), lea.woken) == (
        [("earnings.read", lea.accounts[LEA])],
        [lea.accounts[LEA]] * 2,
    )


def test_followers_and_earnings_are_scheduled_separately(lea: Agency) -> None:
    assert lea.call(event("subscription.activated")) == 200
    channel = lea.accounts[LEA]
    assert lea.waiting() == [(EarningsDue.kind, channel), (FollowersDue.kind, channel)]
    rows = lea.rows("SELECT args FROM outbox WHERE tenant_id = :tenant AND kind = 'earnings.read'")
    assert {row.args["lately"] for row in rows} == {True}


def test_webhook_server_runs_next_to_the_listeners() -> None:
    port = free_port()
    app = server.create_webhook_app(lambda channel: None, lambda *call: False)
    address = f"http://127.0.0.1:{port}/hooks/fanvue/{uuid7()}/{APPLICATION}"
    with server.run_webhook_server(app, "127.0.0.1", port):
        assert httpx.post(address, headers={"x-fanvue-signature": "t=1,v0=2"}).status_code == 401
    with pytest.raises(httpx.ConnectError):
        httpx.post(address)


def test_time_of_the_last_webhook_is_shown(lea: Agency) -> None:
    with lea.at.scope() as scope:
        (before,) = room.list_applications(scope)
    lea.call(event(), secret=WRONG)
    with lea.at.scope() as scope:
        assert room.list_applications(scope) == [before]
    lea.call(event("something.new"))
    with lea.at.scope() as scope:
        (after,) = room.list_applications(scope)
    assert before.called_at is None
    assert after.called_at is not None
    assert SECRET not in repr(after)
