"""A sandbox agency: a creator with media and accounts, on the real routes, transport, gate and
sandbox platform."""

import base64
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from PIL import Image, ImageDraw

from channels.accounts import lifecycle
from channels.attempts.queries import AttemptSummary, list_attempts
from connectors.contract.connector import StepResult, WireStep
from connectors.transport.transport import AccountTarget
from foundation.db.database import DatabaseRole, Scope
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.ops.clock import wall_now
from foundation.ops.settings import DatabaseSettings, GateSettings, Settings, TenantsSettings
from foundation.ops.wall_time import WallTime
from foundation.outbox import row_leases
from foundation.outbox.outbox import QUEUES
from gate.contract.permit import Authority
from gate.contract.units import Rating, Subject
from gate.ratings import ratings
from schedules.approvals import decisions
from schedules.posts import deliveries, queries
from schedules.posts.queries import DeliveryStep
from schedules.posts.states import DeliveryState
from studio.ingest import pipeline
from studio.library import assets
from tenants.agencies import agencies
from tenants.agencies import rights as tenant_roles
from tenants.notices.queries import list_open_notices
from tests.channels.builders import Clockwork, Killed
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox
from tests.gate.answers import rate_and_answer
from workers.event_routes import registry
from workers.relay import dispatch
from workers.relay.dispatch import EventRoutes
from workers.wiring import Services, build_services

ZONE = "Europe/Paris"
HANG = 0.15
"""Seconds that a faulty network delays a response. The sender times out as it would after thirty
seconds."""


@contextmanager
def wired(cluster: Cluster, home: Path) -> Iterator[Services]:
    """Yield the services of a process, connected to the database of this test run."""
    key = base64.b64encode(bytes(range(32))).decode()
    settings = Settings(
        home=home,
        environment="test",
        database=DatabaseSettings(work_url=cluster.url("greenroom_work", "house")),
        tenants=TenantsSettings(master_key=key),
        gate=GateSettings(signing_key=key),
    )
    with build_services(settings, pool_size=8, application="tests") as services:
        yield services


def jpeg(number: int = 0, *, size: tuple[int, int] = (96, 64)) -> bytes:
    """Return a small JPEG, different for each number."""
    image = Image.new("RGB", size, ((number * 53) % 256, (number * 97) % 256, (number * 193) % 256))
    ImageDraw.Draw(image).rectangle(
        (number % 40, 8, 20 + number % 40, 48), fill=(255, 255, 255 - number % 200)
    )
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


@dataclass
class SandboxAgency:
    """A tenant with the creator Léa, an author, an approver, and accounts on the running sandbox."""

    services: Services
    network: RunningSandbox
    tenant_id: UUID
    creator_id: UUID
    author: UUID
    manager: UUID
    channels: dict[str, UUID] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    clockwork: Clockwork = field(default_factory=Clockwork)
    written: int = 0
    at_once: ClassVar[int] = 500
    """Maximum number of rows due at one instant. More of them indicate a handler that triggers
    itself."""
    open_here: threading.local = field(default_factory=threading.local)
    """The number of scopes that the thread has open."""

    # Process

    @contextmanager
    def tenant(self, tenant_id: UUID, actor: str, *, role: DatabaseRole = "app") -> Iterator[Scope]:
        """Open a scope in a process that may die before, during or after the transaction."""
        self.clockwork.point()
        self.open_here.scopes = getattr(self.open_here, "scopes", 0) + 1
        try:
            with self.services.tenant(tenant_id, actor, role=role) as scope:
                yield scope
                self.clockwork.point()
        finally:
            self.open_here.scopes -= 1
        self.clockwork.point()

    def send(self, step: WireStep, authority: Authority, *, account: AccountTarget) -> StepResult:
        """Send a request from a process that may die before or after it. Check that no transaction
        is open."""
        assert not getattr(self.open_here, "scopes", 0), "a transaction is open during a request"
        self.clockwork.point()
        answer = self.services.transport.send(step, authority, account=account)
        self.clockwork.point()
        return answer

    @cached_property
    def routes(self) -> EventRoutes:
        """The real routes of a process that may die."""
        transport: Any = self
        return registry.build_routes(
            replace(self.services, tenant=self.tenant, transport=transport)
        )

    def scope(self, actor: str = "system:test") -> AbstractContextManager[Scope]:
        """Open a scope of the test, outside the process that may die."""
        return self.services.tenant(self.tenant_id, actor)

    def run(self, *, limit: int | None = None) -> int:
        """Handle every event that is due now and return their number."""
        limit = limit or self.at_once
        handled = dispatch.run_due_events(
            self.routes, self.services.tenant, only=self.tenant_id, limit=limit
        )
        assert handled < limit, "a handler creates new due events without end"
        return handled

    def crash(self, at: int) -> bool:
        """Handle the due events in a process that dies at its point number `at`. Return True if it
        died."""
        self.clockwork = Clockwork(at=at)
        self.__dict__.pop("routes", None)
        try:
            self.run()
        except Killed:
            return True
        else:
            return False
        finally:
            self.clockwork = Clockwork()
            self.__dict__.pop("routes", None)
            self.release()

    def release(self) -> int:
        """Release the expired leases of a dead process, as the sweep of the relay does."""
        with self.scope() as scope:
            scope.run(
                "UPDATE outbox SET lease_until = house_now() - interval '1 s'"
                " WHERE tenant_id = :tenant AND state = 'leased'",
                tenant=self.tenant_id,
            )
        with self.scope() as scope:
            return row_leases.sweep_expired_leases(scope)

    # Time

    def now(self) -> datetime:
        """Return the time of the installation."""
        with self.scope() as scope:
            return scope.now

    def pass_time(self, **by: float) -> None:
        """Advance the clocks of the installation and the sandbox without handling events."""
        moved = timedelta(**by)
        with self.services.tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
            scope.run("SELECT house_shift(:by)", by=moved)
        self.network.clock.advance(moved.total_seconds())

    def next_due(self) -> datetime | None:
        """Return the time at which the next row of this tenant is due, or None if no row is
        waiting."""
        with self.scope() as scope:
            found: datetime | None = scope.run(
                "SELECT min(at) FROM unnest(CAST(:queues AS text[])) q, LATERAL (SELECT "
                "available_at AS at FROM outbox"
                " WHERE queue = q AND tenant_id = :tenant AND state = 'waiting' ORDER BY "
                "available_at LIMIT 1) here",
                tenant=self.tenant_id,
                queues=list(QUEUES),
            ).scalar()
        return found

    def live(self, **for_: float) -> None:
        """Let time pass and handle each event when it is due."""
        self.run()
        until = self.now() + timedelta(**for_)
        while True:
            due, now = self.next_due(), self.now()
            if due is None or due > until:
                self.pass_time(seconds=max((until - now).total_seconds(), 0) + 0.001)
                self.run()
                return
            self.pass_time(seconds=max((due - now).total_seconds(), 0) + 0.001)
            self.run()

    # Actions of members

    def connect(
        self, name: str, *, keys: bool = False, nolook: bool = False, app: str = ""
    ) -> UUID:
        """Connect a sandbox account of Léa and return its channel ID. With `keys`, it honours
        idempotency keys; with `nolook`, its posts cannot be looked up; `app` names the application
        that connects it."""
        account = (
            f"{name}-{str(self.tenant_id)[-8:]}"
            + ("+key" if keys else "")
            + ("-nolook" if nolook else "")
        )
        account += f"-of-{app}" if app else ""
        if account not in self.network.tokens:
            self.network.account(account)
        return self.connect_to(name, account=account, token=self.network.tokens[account], app=app)

    def connect_to(
        self,
        name: str,
        *,
        account: str,
        token: str,
        platform: str = "sandbox",
        surface: str = "sandbox.post",
        base_url: str = "",
        app: str = "",
    ) -> UUID:
        """Connect an account on any platform."""
        sealed = self.services.seal(self.tenant_id, token)
        with self.scope() as scope:
            self.channels[name] = lifecycle.connect_account(
                scope,
                creator_id=self.creator_id,
                platform=platform,
                surface=surface,
                account=account,
                name=name,
                base_url=base_url or self.network.url,
                token=sealed,
                zone=ZONE,
                app_key=app,
            )
        self.accounts[name] = account
        return self.channels[name]

    def photo(self, number: int = 0, *, rating: Rating | None = Rating.G) -> UUID:
        """Store a photo in the library. The manager rates it, unless `rating` is None."""
        prepared = pipeline.prepare_upload(
            jpeg(number), name=f"{number}.jpg", alt=f"picture {number}"
        )
        asset = pipeline.ingest_asset(
            self.services.tenant,
            self.services.store,
            tenant_id=self.tenant_id,
            creator_id=self.creator_id,
            prepared=prepared,
        )
        if rating is not None:
            with self.scope(f"member:{self.manager}") as scope:
                digest = assets.get_asset(scope, asset).sha256
                if ratings.effective_rating(scope, digest) is None:
                    rate_and_answer(scope, digest, rating, source=f"member:{self.manager}")
        return asset

    def write(self, body: str = "hello", *, media: tuple[UUID, ...] = (), **more: Any) -> UUID:
        """Create a post by the author."""
        self.written += 1
        values: dict[str, Any] = {
            "title": "",
            "origin": "test",
            "origin_key": str(self.written),
            **more,
        }
        with self.scope(f"member:{self.author}") as scope:
            return deliveries.create_post(
                scope,
                creator_id=self.creator_id,
                body=body,
                media=media,
                author=f"member:{self.author}",
                **values,
            )

    def wish(self, post_id: UUID, channel: str = "main", *, after: float = 0) -> UUID:
        """Create a delivery of the post on a channel, due `after` seconds from now."""
        with self.scope(f"member:{self.author}") as scope:
            return deliveries.create_delivery(
                scope, post_id, self.channels[channel], at=wall_time_after(scope.now, after)
            )

    def approve(self, post_id: UUID) -> None:
        """Approve the post as the manager."""
        with self.scope(f"member:{self.manager}") as scope:
            decisions.approve_post(scope, post_id, member_id=self.manager)

    def plan(self, post_id: UUID) -> list[UUID]:
        """Schedule the approved deliveries of the post."""
        with self.scope(f"member:{self.author}") as scope:
            return deliveries.schedule_post(scope, post_id)

    def delivery(
        self, body: str = "hello", *, channel: str = "main", after: float = 0, **more: Any
    ) -> UUID:
        """Write, approve and schedule a post, and return its only delivery."""
        post_id = self.write(body, **more)
        delivery_id = self.wish(post_id, channel, after=after)
        self.approve(post_id)
        with self.scope(f"member:{self.author}") as scope:
            if deliveries.has_approved_deliveries(
                scope, post_id
            ):  # a delivery that is already due was scheduled by the approval
                deliveries.schedule_post(scope, post_id)
        return delivery_id

    def act(self, function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Call a function in a scope of the manager."""
        with self.scope(f"member:{self.manager}") as scope:
            return function(scope, *args, **more)

    # Views

    def entry(self, delivery_id: UUID) -> queries.DeliveryEntry:
        """Return the delivery as the calendar shows it."""
        with self.scope() as scope:
            found = [
                entry
                for entry in queries.entries_between(
                    scope,
                    self.creator_id,
                    datetime(2000, 1, 1, tzinfo=UTC),
                    datetime(2100, 1, 1, tzinfo=UTC),
                )
                if entry.delivery_id == delivery_id
            ]
        return found[0]

    def state(self, delivery_id: UUID) -> DeliveryState:
        """Return the state of the delivery."""
        return self.entry(delivery_id).state

    def why(self, delivery_id: UUID) -> str:
        """Return the code of the delivery's reason."""
        reason = self.entry(delivery_id).reason
        return reason.code if reason is not None else ""

    def story(self, delivery_id: UUID) -> list[DeliveryStep]:
        """Return every transition of the delivery."""
        with self.scope() as scope:
            return queries.delivery_timeline(scope, delivery_id)

    def states(self, delivery_id: UUID) -> list[str]:
        """Return the states that the delivery entered, in order."""
        return [str(step.after) for step in self.story(delivery_id)]

    def attempts(self, delivery_id: UUID, kind: str = "send") -> list[AttemptSummary]:
        """Return the attempts of one kind for the delivery."""
        with self.scope() as scope:
            found = list_attempts(scope, Subject("delivery", delivery_id))
        return [attempt for attempt in found if attempt.kind == kind]

    def posts(self, channel: str = "main") -> list[dict[str, Any]]:
        """Return the posts that the platform accepted, deleted ones included."""
        found: list[dict[str, Any]] = self.network.truth(self.accounts[channel])["posts"]
        return found

    def texts(self, channel: str = "main") -> list[str]:
        """Return the texts of the accepted posts."""
        return [post["text"] for post in self.posts(channel)]

    def asked(self, channel: str = "main", kind: str = "posts") -> list[dict[str, Any]]:
        """Return every request of a kind that the platform received, accepted or not."""
        _, told = self.network.json(
            "GET", f"/control/record?account={self.accounts[channel].replace('+', '%2B')}"
        )
        return [entry for entry in told["record"] if entry["kind"] == kind]

    def fault(self, mode: str, *, channel: str = "main", **more: Any) -> None:
        """Make the sandbox fail for an account."""
        values: dict[str, Any] = {"on": "posts", "seconds": HANG, **more}
        self.network.fault(mode, account=self.accounts[channel], **values)

    def notices(self) -> dict[str, str]:
        """Return the open notices as a map of cause to code."""
        with self.scope() as scope:
            return {notice.cause: notice.message.code for notice in list_open_notices(scope)}

    def rows(self, kind: str = "") -> list[Any]:
        """Return the rows of the outbox that are not done."""
        with self.scope() as scope:
            return list(
                scope.run(
                    "SELECT kind, subject_id, state, available_at, lane, priority FROM outbox "
                    "WHERE tenant_id = :tenant"
                    " AND (:kind = '' OR kind = :kind) ORDER BY available_at, id",
                    tenant=self.tenant_id,
                    kind=kind,
                )
            )


def wall_time_after(now: datetime, after: float = 0) -> WallTime:
    """Return the wall time (UTC) `after` seconds from `now`."""
    at = (now + timedelta(seconds=after)).astimezone(UTC)
    return WallTime(at.date(), at.time(), "UTC")


def create_sandbox_agency(
    services: Services,
    network: RunningSandbox,
    *,
    tiers: int = 1,
    keys: bool = False,
    nolook: bool = False,
) -> SandboxAgency:
    """Create a tenant with Léa, an author, a manager, and an account named `main`."""
    tenant_id = uuid7()
    with services.tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Agence", language="fr", zone=ZONE)
        creator_id = agencies.add_creator(
            scope,
            slug="lea",
            name="Léa",
            kind="virtual",
            zone=ZONE,
            languages=["fr"],
            approval_tiers=tiers,
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
    made = SandboxAgency(services, network, tenant_id, creator_id, author, manager)
    made.connect("main", keys=keys, nolook=nolook)
    return made


__all__ = [
    "HANG",
    "ZONE",
    "Killed",
    "SandboxAgency",
    "create_sandbox_agency",
    "jpeg",
    "wall_now",
    "wall_time_after",
    "wired",
]
