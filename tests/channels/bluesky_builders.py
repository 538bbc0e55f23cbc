"""A tenant with an account on a Bluesky server, and workers that renew its tokens or crash."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from channels.accounts import credentials, lifecycle, queries
from channels.accounts.queries import Channel
from channels.attempts.permit_uses import record_permit_use
from channels.connections import token_renewal
from channels.connections.events import TokenRenewalDue
from channels.limits import send_limits
from channels.sending import reconciliation, step_runner
from channels.sending.step_runner import PreparedStep, StagedUploads
from connectors.contract.outcomes import Outcome
from connectors.registry.loader import load_builtin_connectors
from connectors.transport.transport import Transport
from foundation.db.database import Database, DatabaseRole, Scope
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import outbox
from foundation.sealed import Sealed
from gate.contract.units import Subject, Text, Unit
from gate.permits import issuance
from tenants.agencies import agencies
from tests.channels.builders import HTTP, KEY, Clockwork, Killable, mint
from tests.fakes.bluesky.server import FakeBluesky, Repo

CONNECTORS = load_builtin_connectors(("connectors.platforms.bluesky.publisher:Bluesky",))


@dataclass
class BlueskyWorld:
    """One creator with one account and one session."""

    database: Database
    server: FakeBluesky
    tenant_id: UUID
    creator_id: UUID
    channel_id: UUID
    repo: Repo
    clockwork: Clockwork = field(default_factory=Clockwork)

    @contextmanager
    def tenant(self, tenant_id: UUID, actor: str, *, role: DatabaseRole = "app") -> Iterator[Scope]:
        """Open scopes of a process that may crash before, during or after a transaction."""
        self.clockwork.point()
        with self.database.scope(tenant_id, actor, role=role) as scope:
            yield scope
            self.clockwork.point()
        self.clockwork.point()

    def scope(self) -> AbstractContextManager[Scope]:
        """Open a scope for the test."""
        return self.database.scope(self.tenant_id, "system:test")

    def transport(self) -> Any:
        """Return the real transport of a fresh process."""
        real = Transport(
            http=HTTP,
            reveal=lambda tenant_id, sealed: sealed.box.decode(),
            seal=lambda tenant_id, secret: Sealed(secret.encode()),
            read_object=lambda tenant_id, sha256: b"",
            verify_key=KEY.public_key(),
            record=partial(record_permit_use, tenant=self.database.scope),
        )
        return Killable(real, self.clockwork)

    def channel(self) -> Channel:
        """Return the account's current state."""
        with self.scope() as scope:
            return queries.get_channel(scope, self.channel_id)

    def connect(self, *, lifetime: timedelta = timedelta(hours=2)) -> UUID:
        """Connect the account, or connect it again, with a new session."""
        access, refresh = self.server.sessions.start(self.repo.did)
        with self.scope() as scope:
            self.channel_id = lifecycle.connect_account(
                scope,
                creator_id=self.creator_id,
                platform="bluesky",
                surface="bluesky.post",
                account=self.repo.did,
                name=self.repo.handle,
                base_url=self.server.url,
                token=Sealed(access.encode()),
                refresh=Sealed(refresh.encode()),
                expires_at=scope.now + lifetime,
                zone="UTC",
            )
        return self.channel_id

    def renew(self) -> float | None:
        """Process the outbox row as a worker does; return the seconds until its retry."""
        event = TokenRenewalDue(self.tenant_id, self.channel_id)
        try:
            token_renewal.renew_tokens(
                event,
                tenant=self.tenant,
                transport=self.transport(),
                connectors=CONNECTORS,
                addresses={},
            )
        except outbox.RetryLater as later:
            return later.after.total_seconds()
        return None

    def due(self) -> int:
        """Run the tick; return the number of accounts due."""
        with self.scope() as scope:
            return credentials.schedule_due_renewals(scope)

    def rows(self) -> list[datetime]:
        """Return the due times of the waiting rows."""
        with self.scope() as scope:
            found = scope.run(
                "SELECT available_at FROM outbox WHERE tenant_id = :tenant AND kind = "
                "'token.refresh'"
                " AND state = 'waiting' ORDER BY available_at",
                tenant=self.tenant_id,
            )
            return list(found.scalars())

    def unit(self, body: str) -> Unit:
        """Return a post."""
        return Unit(
            tenant_id=self.tenant_id,
            creator_id=self.creator_id,
            subject=Subject("delivery", uuid7()),
            platform="bluesky",
            surface="bluesky.post",
            channel_id=self.channel_id,
            account=self.repo.did,
            audience="public",
            texts=(Text("body", body),),
        )

    def publish(self, unit: Unit) -> Outcome | send_limits.SendingBlock:
        """Claim, send and settle as a handler does; return the block if the account must wait."""
        with self.tenant(self.tenant_id, "system:publishing") as scope:
            issuance.lock_unit(scope, unit)
            channel = queries.get_channel(scope, self.channel_id)
            blocked = send_limits.claim_send_slot(scope, channel)
            if blocked is not None:
                return blocked
            turn = step_runner.prepare_step(
                scope,
                channel=channel,
                unit=unit,
                kind="send",
                act=timedelta(seconds=30),
                mint=mint,
                connectors=CONNECTORS,
            )
        if isinstance(turn, PreparedStep):
            arm_next = partial(step_runner.prepare_next_step, connectors=CONNECTORS, mint=mint)
            turn = step_runner.run_steps(
                turn, tenant=self.tenant, transport=self.transport(), arm_next=arm_next
            )
        assert not isinstance(turn, PreparedStep | StagedUploads)
        with self.tenant(self.tenant_id, "system:publishing") as scope:
            step_runner.close_attempt(scope, unit.subject, turn)
        return turn

    def look(self, unit: Unit) -> None:
        """Look up the delivery once if it is uncertain."""
        with self.scope() as scope:
            doubtful = reconciliation.is_possibly_published(scope, unit.subject)
            send_limits.release_brake(scope, self.channel_id)
        if doubtful:
            opener, transport = self.tenant, self.transport()
            reconciliation.look_up_attempt(
                self.tenant_id,
                unit.subject,
                tenant=opener,
                transport=transport,
                connectors=CONNECTORS,
            )

    def pass_time(self, seconds: float) -> None:
        """Advance the clocks of the installation and of the server."""
        with self.database.scope(INSTALLATION_ID, "system:test", role="relay") as scope:
            scope.run("SELECT house_shift(make_interval(secs => :seconds))", seconds=seconds)
        self.server.clock.advance(seconds)

    def texts(self) -> list[str]:
        """Return the posts that the server accepted, including duplicates."""
        return [record["text"] for _, record in self.repo.taken]


def bluesky_world(database: Database, server: FakeBluesky) -> BlueskyWorld:
    """Create a tenant with a connected account."""
    tenant_id = uuid7()
    with database.scope(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Mia", language="fr", zone="UTC")
        creator_id = agencies.add_creator(
            scope, slug="mia", name="Mia", kind="virtual", zone="UTC", languages=["fr"]
        )
    repo = server.account(f"mia-{str(tenant_id)[-6:]}.bsky.social")
    made = BlueskyWorld(database, server, tenant_id, creator_id, tenant_id, repo)
    made.connect()
    return made
