"""Webhooks of Fanvue: messages, payments and followers trigger an early poll and are read from the
API. On real PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Thread
from typing import Any
from uuid import UUID

import pytest

from channels.connections.oauth_flow import OAUTH_RETURN_PATH
from channels.listening import app_webhooks as room
from connectors.conformance.fake_servers import serve_app
from connectors.platforms.fanvue.publisher import CAN, Fanvue
from foundation.ids import derived_uuid
from foundation.money import Money
from generators.engines.text.templates import TemplateEngine
from subscribers.orders import queries
from subscribers.replies import persona
from tenants.vault import sealed_intake
from tests.conftest import Cluster, wait_until
from tests.fakes.fanvue.server import FakeFanvue
from tests.fakes.fanvue.state import Fan
from tests.fakes.fanvue.webhooks import Events
from tests.fakes.sandbox import RunningSandbox
from tests.journeys.oauth_accounts import MASTER, OAuthAccount, services_at
from tests.schedules.builders import create_sandbox_agency
from tests.subscribers.builders import NOVA
from workers.listeners.factory import make_listener_pool
from workers.listeners.webhooks import app_webhooks, server
from workers.relay.ticks import TICKS
from workers.wiring import Services

TURN, SOON = 40.0, 25.0
"""Seconds between two polls without a webhook, and within which a webhook must trigger one."""


class Patient(Fanvue):
    """Fanvue with a poll interval long enough to see an early poll."""

    capabilities = replace(CAN, poll_seconds=TURN)


@pytest.fixture(scope="module")
def services(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, server: FakeFanvue
) -> Iterator[Services]:
    home = tmp_path_factory.mktemp("home")
    with services_at(cluster, home, fanvue_url=server.url, fanvue_auth_url=server.url) as found:
        yield replace(
            found, chat_engine=TemplateEngine, connectors={**found.connectors, "fanvue": Patient()}
        )


@dataclass
class Called:
    """Léa's connected account with an application that sends webhooks, and a fan of hers."""

    at: OAuthAccount
    events: Events
    leo: Fan

    @property
    def application(self) -> UUID:
        return derived_uuid("fanvue", self.events.app.client_id)

    def set_up(self, secret: str = "") -> None:
        """Submit the signing secret, as a member does."""
        typed = {room.CALL_SECRET_FIELD: secret or self.events.app.signing}
        letter = sealed_intake.seal_form(
            sealed_intake.derive_public_key(MASTER), self.at.desk.tenant_id, typed
        )
        with self.at.desk.scope(self.at.author) as scope:
            room.enable_app_webhooks(scope, self.application, letter)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Run the listener process with its webhook endpoint and connect Fanvue to it."""
        services = self.at.desk.services
        ears = make_listener_pool(services)
        thread = Thread(target=ears.run, kwargs={"beat": lambda: None}, daemon=True)
        thread.start()
        app = server.create_webhook_app(
            ears.find_listener, lambda *call: False, app_webhooks.make_app_webhooks(services, ears)
        )
        with serve_app(app) as url:
            self.events.address = f"{url}/hooks/fanvue/{self.at.desk.tenant_id}/{self.application}"
            yield
        ears.stop()
        thread.join(60)

    def rows(self, statement: str, **more: Any) -> list[Any]:
        with self.at.desk.scope() as scope:
            return list(scope.run(statement, tenant=self.at.desk.tenant_id, **more))

    def heard(self) -> list[str]:
        statement = (
            "SELECT body FROM messages WHERE tenant_id = :tenant AND direction = 'in' ORDER BY seq"
        )
        return [row.body for row in self.rows(statement)]

    def asked(self) -> int:
        """Return the number of requests that Fanvue counted for the account."""
        mine = self.at.member.id
        return sum(
            bucket.spent for key, bucket in self.at.server.limits.buckets.items() if mine in key
        )

    def read_once(self) -> None:
        """Complete the first reading of earnings, which covers months."""
        next(one for one in TICKS if one.name == "earnings").write_rows(
            self.at.desk.services.tenant
        )
        self.at.live(minutes=12)

    def booked(self) -> tuple[Money, ...]:
        """Return the booked balances of the Fanvue account."""
        with self.at.desk.scope() as scope:
            found = queries.check_rail_balances(scope, [self.at.desk.creator_id])
        return tuple(one.booked for one in found if one.account == "Fanvue")


@pytest.fixture
def lea(services: Services, running: RunningSandbox, server: FakeFanvue) -> Iterator[Called]:
    made = create_sandbox_agency(services, running)
    with made.scope() as scope:
        persona.activate_persona(
            scope, persona.create_persona_version(scope, made.creator_id, NOVA)
        )
    server.clock.advance((made.now() - server.clock()).total_seconds())
    app = server.application(services.settings.dashboard.public_url + OAUTH_RETURN_PATH)
    form = {"client_id": app.client_id, "client_secret": app.secret}
    member = server.account(f"lea{str(made.tenant_id)[-8:]}")
    at = OAuthAccount(made, server, member, "fanvue", form)
    at.enrol()
    called = Called(at, Events(server, app), server.fan("leo", member))
    called.set_up()
    yield called
    server.book.clear_faults()


@pytest.mark.parametrize("before", [False, True], ids=["current", "previous"])
def test_webhook_triggers_an_early_poll(lea: Called, before: bool) -> None:
    lea.events.before = before
    with lea.listening():
        wait_until(
            lambda: lea.asked() >= 2
        )  # the account and the first list of chats; the next poll is far away
        lea.events.says(lea.leo, lea.at.member, "bonjour !")
        assert lea.events.statuses == [200]
        wait_until(lambda: lea.heard() == ["bonjour !"], SOON)


def test_burst_of_webhooks_triggers_one_poll(lea: Called) -> None:
    lea.events.times = 3
    with lea.listening():
        wait_until(lambda: lea.asked() >= 2)
        before = lea.asked()
        for number in range(5):
            lea.events.says(lea.leo, lea.at.member, f"bonjour {number}")
        wait_until(lambda: len(lea.heard()) == 5, SOON)
    assert lea.events.statuses == [200] * 15
    assert lea.heard() == [f"bonjour {number}" for number in range(5)]
    assert lea.asked() == before + 2, "the list and one chat"


def test_payment_and_refund_are_booked_soon_after_their_webhooks(lea: Called) -> None:
    lea.read_once()
    with lea.listening():
        sale = lea.events.pays(lea.leo, lea.at.member, 1000, 800)
        lea.at.live(minutes=2)
        assert lea.booked() == (Money(800, "USD"),)
        lea.events.gives_back(lea.at.member, sale)
        lea.at.live(minutes=2)
        assert lea.booked() == (Money(0, "USD"),)
    assert lea.events.statuses == [200, 200]


def test_webhook_contents_are_never_booked(lea: Called) -> None:
    """A holder of the secret can only trigger a poll; payments are read from Fanvue."""
    with lea.listening():
        told = {"id": "FV-1", "gross": 10**9, "currency": "USD", "source": "tip"}
        lea.events.tell(lea.at.member, "payment.succeeded", told)
        lea.at.live(minutes=2)
        lea.events.tell(
            lea.at.member, "message.received", {"text": "jamais écrit", "sender": "fan"}
        )
        lea.at.live(minutes=2)
    assert lea.events.statuses == [200, 200]
    assert lea.booked() == ()
    assert lea.rows("SELECT 1 FROM statement_lines WHERE tenant_id = :tenant") == []
    assert lea.heard() == []


def test_new_followers_are_counted_within_minutes(lea: Called) -> None:
    with lea.listening():
        for handle in ("ana", "bo", "cy"):
            lea.events.follows(lea.at.server.fan(handle), lea.at.member)
        lea.at.live(minutes=2)
    told = lea.rows("SELECT followers FROM followers_daily WHERE tenant_id = :tenant")
    assert [row.followers for row in told] == [3]


def test_late_or_wrongly_signed_webhooks_change_nothing(lea: Called) -> None:
    with lea.listening():
        lea.events.late = 301 + 5
        lea.events.pays(lea.leo, lea.at.member, 1000, 800)
        lea.events.late, lea.events.signing = 0, "whsec_" + "0" * 48
        lea.events.pays(lea.leo, lea.at.member, 500, 400)
        lea.at.live(minutes=2)
    assert lea.events.statuses == [401, 401]
    assert lea.booked() == ()


def test_signing_secret_is_never_stored_readably(lea: Called) -> None:
    with lea.listening():
        lea.events.follows(lea.leo, lea.at.member)
    held = lea.rows(
        "SELECT to_jsonb(o)::text AS t FROM oauth_clients o WHERE tenant_id = :tenant"
        " UNION ALL SELECT to_jsonb(i)::text FROM inbox i WHERE tenant_id = :tenant"
        " UNION ALL SELECT to_jsonb(b)::text FROM outbox b WHERE tenant_id = :tenant"
        " UNION ALL SELECT to_jsonb(a)::text FROM audit_entries a WHERE tenant_id = :tenant"
    )
    assert held
    signing = lea.events.app.signing
    assert not [text for (text,) in held if signing in text or signing.encode().hex() in text]
