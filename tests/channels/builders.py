"""A tenant with a sandbox account, and a driver that handles a unit as the packages above do."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from channels.accounts import lifecycle, queries
from channels.accounts.queries import Channel
from channels.attempts.permit_uses import record_permit_use
from channels.limits import send_limits
from channels.sending import handlers, reconciliation, step_runner
from channels.sending.events import BrakeProbeDue
from channels.sending.step_runner import Connectors, PreparedStep, StagedUploads
from connectors.contract.connector import Response, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Published, Uncertain
from connectors.registry.loader import load_builtin_connectors
from connectors.transport.transport import AccountTarget, Transport
from foundation.db.database import Database, DatabaseRole, OpenScope, Scope
from foundation.http.http_client import HttpClient
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import outbox
from foundation.sealed import Sealed
from gate.assets import asset_records
from gate.contract.permit import Authority
from gate.contract.units import Medium, Rating, Subject, Text, Unit
from gate.permits import issuance
from gate.permits.issuance import MintPermit
from tenants.agencies import agencies
from tests.fakes.sandbox import RunningSandbox
from tests.gate.answers import rate_and_answer

KEY = Ed25519PrivateKey.generate()
CONNECTORS = load_builtin_connectors(("connectors.platforms.sandbox.publisher:Sandbox",))
ACT = timedelta(seconds=30)
HTTP = HttpClient()
"""A client without kept-alive connections, so that a new transport behaves like a new process;
creating a client takes 40 ms."""


class Killed(BaseException):
    """Raised where the process crashes."""


@dataclass
class Clockwork:
    """Crashes the process once at its n-th point; counts the points passed."""

    at: int | None = None
    passed: int = 0

    def point(self) -> None:
        self.passed += 1
        if self.at is not None and self.passed == self.at + 1:
            raise Killed


@dataclass
class Killable:
    """A transport of a process that may crash just before or after a request."""

    real: Transport
    clockwork: Clockwork
    sent: list[str] = field(default_factory=list)

    def send(self, step: WireStep, authority: Authority, *, account: AccountTarget) -> StepResult:
        self.clockwork.point()
        self.sent.append(step.name)
        answer = self.real.send(step, authority, account=account)
        self.clockwork.point()
        return answer


mint: MintPermit = partial(issuance.mint_permit, key=KEY)
"""The gate's decisions and permits, signed with the tests' key."""


@dataclass
class World:
    """One tenant with one creator and one account on the running sandbox."""

    database: Database
    network: RunningSandbox
    tenant_id: UUID
    creator_id: UUID
    channel_id: UUID
    account: str
    files: dict[str, bytes] = field(default_factory=dict)
    clockwork: Clockwork = field(default_factory=Clockwork)
    connectors: Connectors = field(default_factory=lambda: CONNECTORS)

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
            read_object=lambda tenant_id, sha256: self.files[sha256],
            verify_key=KEY.public_key(),
            record=partial(record_permit_use, tenant=self.database.scope),
        )
        return Killable(real, self.clockwork)

    def probe(self) -> float:
        """Probe the account once; return the seconds until the next probe, 0 when it is done."""
        event, opener = BrakeProbeDue(self.tenant_id, self.channel_id), self.tenant
        try:
            handlers.probe_platform(
                event, tenant=opener, transport=self.transport(), connectors=self.connectors
            )
        except outbox.RetryLater as later:
            return round(later.after.total_seconds())
        return 0.0

    def channel(self) -> Channel:
        with self.scope() as scope:
            return queries.get_channel(scope, self.channel_id)

    def unit(
        self,
        body: str = "hello",
        *,
        pictures: int = 0,
        of: Subject | None = None,
        viewer: str = "",
        first: int = 0,
    ) -> Unit:
        """Return a post, or a message to one viewer; its pictures are numbered from `first`."""
        media = []
        for number in range(first, first + pictures):
            data = f"picture {number} of {self.tenant_id}".encode()
            media.append(self._picture(data, f"picture {number}"))
        return Unit(
            tenant_id=self.tenant_id,
            creator_id=self.creator_id,
            subject=of or Subject("delivery", uuid7()),
            platform="sandbox",
            surface="sandbox.chat" if viewer else "sandbox.post",
            channel_id=self.channel_id,
            account=self.account,
            audience="viewer" if viewer else "public",
            texts=(Text("body", body),),
            media=tuple(media),
            viewer=viewer,
        )

    def _picture(self, data: bytes, alt: str) -> Medium:
        """Return a picture known to the gate, rated G."""
        digest = hashlib.sha256(data).hexdigest()
        with self.scope() as scope:
            if digest not in self.files:
                asset = asset_records.record_asset(
                    scope,
                    creator_id=self.creator_id,
                    origin="upload",
                    ai="none",
                    engine="",
                    made_at=scope.now,
                    source="capture",
                    people_seen=0,
                )
                asset_records.record_rendition(
                    scope,
                    asset,
                    sha256=digest,
                    mime="image/png",
                    size=len(data),
                    width=1,
                    height=1,
                    profile="sandbox",
                )
                rate_and_answer(scope, digest, Rating.G, source="rule:tests")
        self.files[digest] = data
        return Medium(digest, "image/png", len(data), alt=alt)

    def arm(
        self,
        unit: Unit,
        *,
        kind: Any = "send",
        act: timedelta = ACT,
        braked: bool = False,
        taken: bool = True,
        mint: MintPermit = mint,
        author: str = "member:7",
    ) -> PreparedStep | Outcome | StagedUploads:
        """Claim the unit: epochs, channel, then the step.

        `braked` claims despite the brake, which no package does; without `taken` the channel is not
        even locked.
        """
        with self.tenant(self.tenant_id, "system:publishing") as scope:
            issuance.lock_unit(scope, unit)
            channel = queries.get_channel(scope, self.channel_id)
            blocked = send_limits.claim_send_slot(scope, channel) if taken else None
            assert braked or blocked is None, blocked
            return step_runner.prepare_step(
                scope,
                channel=channel,
                unit=unit,
                kind=kind,
                act=act,
                mint=mint,
                author=author,
                connectors=self.connectors,
            )

    def carry(self, armed: PreparedStep, mint: MintPermit = mint) -> Outcome | StagedUploads:
        """Run the steps."""
        arm_next = partial(step_runner.prepare_next_step, connectors=self.connectors, mint=mint)
        return step_runner.run_steps(
            armed, tenant=self.tenant, transport=self.transport(), arm_next=arm_next
        )

    def close(self, unit: Unit, outcome: Outcome) -> bool:
        """Settle the attempt."""
        with self.tenant(self.tenant_id, "system:publishing") as scope:
            return step_runner.close_attempt(scope, unit.subject, outcome)

    def publish(self, unit: Unit) -> Outcome:
        """Claim, send and settle as a handler does."""
        turn = self.arm(unit)
        outcome = self.carry(turn) if isinstance(turn, PreparedStep) else turn
        assert not isinstance(outcome, StagedUploads)
        self.close(unit, outcome)
        return outcome

    def look(self, unit: Unit) -> Any:
        """Look up the delivery once."""
        opener: OpenScope = self.tenant
        return reconciliation.look_up_attempt(
            self.tenant_id,
            unit.subject,
            tenant=opener,
            transport=self.transport(),
            connectors=CONNECTORS,
        )

    def pass_time(self, seconds: float) -> None:
        """Advance the installation's clock."""
        with self.database.scope(INSTALLATION_ID, "system:test", role="relay") as scope:
            scope.run("SELECT house_shift(make_interval(secs => :seconds))", seconds=seconds)

    def recover(self, unit: Unit) -> Outcome:
        """Recover as the packages above do after a crash: look up while uncertain, send again only
        if certainly absent."""
        for _ in range(12):
            self.pass_time(61)
            with self.scope() as scope:
                armed = reconciliation.is_possibly_published(scope, unit.subject)
            if armed:
                self.look(unit)
            self._let_go()
            outcome = self.publish(unit)
            if isinstance(outcome, Published):
                return outcome
        return Uncertain(outcome.reason) if hasattr(outcome, "reason") else outcome

    def _let_go(self) -> None:
        with self.scope() as scope:
            send_limits.release_brake(scope, self.channel_id)

    def posts(self) -> list[str]:
        """Return the texts of all posts on the platform, including deleted ones."""
        return [post["text"] for post in self.network.truth(self.account)["posts"]]


def world(
    database: Database,
    network: RunningSandbox,
    name: str,
    *,
    keys: bool = False,
    nolook: bool = False,
    app: str = "",
) -> World:
    """Create a tenant with a creator and one account.

    `keys`: the account honours idempotency keys; `nolook`: it cannot look up messages; `app`: the
    application it is connected through.
    """
    tenant_id = uuid7()
    traits = [
        part for part, has in (("+key", keys), ("-nolook", nolook), (f"-of-{app}", app)) if has
    ]
    account = network.account("".join([f"{name}-{str(tenant_id)[-6:]}", *traits]))
    with database.scope(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name=name, language="fr", zone="Europe/Paris")
        creator_id = agencies.add_creator(
            scope, slug="lea", name="Léa", kind="virtual", zone="Europe/Paris", languages=["fr"]
        )
        channel_id = lifecycle.connect_account(
            scope,
            creator_id=creator_id,
            platform="sandbox",
            surface="sandbox.post",
            account=account,
            app_key=app,
            name="Essai",
            base_url=network.url,
            token=Sealed(network.tokens[account].encode()),
            zone="Europe/Paris",
        )
    return World(database, network, tenant_id, creator_id, channel_id, account)


ACCOUNTS = {
    "byhand": "onlyfans/mia{number}",
    "discord": "{number}:2:3",
    "mastodon": "{number}@social.example",
    "reddit": "mia{number}@harbour",
}
"""Names of accounts on platforms that parse them; `number` is unique."""


def connect_account_of(scope: Scope, creator_id: UUID, platform: str) -> UUID:
    """Connect an account of a platform through an application of which units are in use, and
    return its channel."""
    surfaces = load_builtin_connectors()[platform].capabilities.surfaces
    channel_id = lifecycle.connect_account(
        scope,
        creator_id=creator_id,
        platform=platform,
        surface=f"{platform}.{next(iter(surfaces))}",
        account=ACCOUNTS.get(platform, "mia{number}").format(number=uuid7().int),
        name=f"Account on {platform}",
        base_url="http://127.0.0.1:9",
        token=None,
        zone="Europe/Paris",
        app_key=f"app-{platform}-{scope.tenant_id}",
    )
    told = {"x-app-limit-24hour-limit": "10", "x-app-limit-24hour-remaining": "1"}
    told |= {"x-app-limit-24hour-reset": "3600", "x-sandbox-app-limit": "10"}
    told |= {"x-sandbox-app-remaining": "1", "x-sandbox-app-reset": "3600"}
    for step in ("publish", "stage:open"):
        send_limits.record_answer(scope, channel_id, Response(step, 200, told, {}), creates=False)
    return channel_id
