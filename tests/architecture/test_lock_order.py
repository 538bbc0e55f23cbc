"""The lock order: each operation follows it, and no two concurrent operations wait for each other."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from channels.accounts import lifecycle
from connectors.contract.outcomes import (
    Disconnected,
    Found,
    Published,
    Reauthorize,
    Retry,
    Uncertain,
)
from connectors.registry.loader import load_builtin_connectors
from foundation.db.database import Database, OpenScope, Scope
from foundation.errors import GreenroomError
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.clock import monotonic, sleep
from foundation.ops.wall_time import WallTime
from foundation.sealed import Sealed
from gate.assets import asset_records
from gate.consent.grants import revoke_consent
from gate.contract.units import Rating
from gate.permits import issuance
from gate.policy import emergency_stops
from gate.ratings import ratings
from schedules.approvals import decisions
from schedules.drafts import duplicates
from schedules.posts import deliveries
from schedules.publishing import claims, settlement
from studio.library import assets
from studio.library.models import CreationRow
from tests.architecture.lock_trace import Trace, list_locks, traced
from tests.conftest import Cluster
from tests.gate.builders import KEY, World, asset_of, picture, real_person, world

CONNECTORS = load_builtin_connectors(("connectors.platforms.sandbox.publisher:Sandbox",))
MINT = partial(issuance.mint_permit, key=KEY)
REASON = Message("delivery.no_answer")
DEADLOCK = "40P01"


@dataclass(frozen=True)
class Desk:
    """A creator with a channel, a depicted person and four deliveries: `due` for claiming,
    `staging` with a picture to upload, `sending` with text only whose last step was sent, and
    `doubtful` whose response was lost."""

    world: World
    channel_id: UUID
    person_id: UUID
    asset_id: UUID
    due: UUID
    staging: UUID
    sending: UUID
    doubtful: UUID


def desk(tenant: OpenScope, tenant_id: UUID) -> Desk:
    made = world(tenant, tenant_id)
    with made.scope() as scope:
        channel_id = lifecycle.connect_account(
            scope,
            creator_id=made.creator_id,
            platform="sandbox",
            surface="sandbox.post",
            account=f"mia-{tenant_id}",
            name="Sandbox",
            base_url="http://127.0.0.1:1",
            token=Sealed(b"token"),
            zone="UTC",
        )
        person_id = real_person(scope)
        asset_id = _in_the_library(scope, made, person_id)
        due = _delivery(scope, made, channel_id, key="due", media=[asset_id])
        staging = _delivery(scope, made, channel_id, key="staging", media=[asset_id])
        sending = _delivery(scope, made, channel_id, key="sending", media=[])
        doubtful = _delivery(scope, made, channel_id, key="doubtful", media=[])
        # both deliveries have the same picture, which a member allowed
        for delivery_id in (due, staging):
            duplicates.allow_duplicate(scope, delivery_id, connectors=CONNECTORS)
    for delivery_id in (staging, sending, doubtful):
        with made.scope() as scope:
            claims.claim_delivery(scope, delivery_id, mint=MINT, connectors=CONNECTORS)
    with made.scope() as scope:
        settlement.settle_delivery(scope, doubtful, Uncertain(REASON))
    return Desk(made, channel_id, person_id, asset_id, due, staging, sending, doubtful)


def _in_the_library(scope: Scope, made: World, person_id: UUID) -> UUID:
    shot = picture(scope, made, person=person_id)
    asset_id, medium = (
        asset_of(scope, shot),
        replace(shot, sha256=hashlib.sha256(shot.sha256.encode()).hexdigest()),
    )
    asset_records.record_rendition(
        scope,
        asset_id,
        sha256=medium.sha256,
        mime=medium.mime,
        size=1000,
        width=10,
        height=10,
        profile=assets.DEFAULT_PROFILE,
    )
    ratings.record_rating(scope, medium.sha256, Rating.G, source="classifier@1")
    origin = {
        "source_key": "test",
        "engine": "",
        "model": "",
        "label": "",
        "prompt": "",
        "alt": "Mia, dressed",
    }
    ids = {"tenant_id": scope.tenant_id, "creator_id": made.creator_id, "asset_id": asset_id}
    scope.add(CreationRow(**ids, **origin, sha256=medium.sha256, parameters={}))
    return asset_id


def _delivery(scope: Scope, made: World, channel_id: UUID, *, key: str, media: list[UUID]) -> UUID:
    post_id = deliveries.create_post(
        scope,
        creator_id=made.creator_id,
        title="",
        body=f"Good morning, {key}",
        media=media,
        origin="test",
        origin_key=key,
        author=f"member:{made.ann}",
        author_principal=made.principal(scope, made.ann),
    )
    now = scope.now - timedelta(seconds=1)
    delivery_id = deliveries.create_delivery(
        scope, post_id, channel_id, at=WallTime(now.date(), now.time(), "UTC")
    )
    decisions.approve_post(scope, post_id, member_id=made.rob)
    deliveries.schedule_post(scope, post_id)
    return delivery_id


ACTS: dict[str, Callable[[Scope, Desk], object]] = {
    "claim": lambda scope, desk: claims.claim_delivery(
        scope, desk.due, mint=MINT, connectors=CONNECTORS
    ),
    "settle as published": lambda scope, desk: settlement.settle_delivery(
        scope, desk.sending, Published("1", "")
    ),
    "settle as retry": lambda scope, desk: settlement.settle_delivery(
        scope, desk.staging, Retry(timedelta(minutes=1), "account", REASON)
    ),
    "settle as uncertain": lambda scope, desk: settlement.settle_delivery(
        scope, desk.sending, Uncertain(REASON)
    ),
    "settle as token refused": lambda scope, desk: settlement.settle_delivery(
        scope, desk.staging, Reauthorize(REASON)
    ),
    "settle as disconnected": lambda scope, desk: settlement.settle_delivery(
        scope, desk.staging, Disconnected(REASON)
    ),
    "settle as found": lambda scope, desk: settlement.settle_lookup(
        scope, desk.doubtful, Found("1")
    ),
    "settle by a member": lambda scope, desk: settlement.record_live_link(
        scope, desk.doubtful, native_id="1", url=""
    ),
    "revoke a consent": lambda scope, desk: revoke_consent(scope, desk.person_id),
    "stop a creator": lambda scope, desk: emergency_stops.close_switch(
        scope, "creator", str(desk.world.creator_id), "sending", reason="test"
    ),
    "raise a rating": lambda scope, desk: ratings.record_rating(
        scope, _digest(scope, desk), Rating.S, source="classifier@2"
    ),
    "cancel a delivery": lambda scope, desk: deliveries.cancel_delivery(scope, desk.due),
}


def _digest(scope: Scope, desk: Desk) -> str:
    return assets.get_rendition(scope, desk.asset_id, "sandbox").sha256


class Undone(Exception):
    """Raised at the end of a transaction so that the next operation finds the same rows."""


def undo(scope: Scope) -> None:
    raise Undone


def act_out(database: Database, desk: Desk, name: str, trace: Trace) -> BaseException | None:
    """Run one operation with its commit hooks, roll it back and return any other exception it
    raised."""
    with traced(database.engine, trace):
        try:
            with database.scope(desk.world.tenant_id, "system:test") as scope:
                ACTS[name](scope, desk)
                scope.before_commit(undo)
        except Undone:
            return None
        except Exception as raised:
            return raised
    raise AssertionError("the operation was not rolled back")


@pytest.fixture(scope="module")
def made(database: Database) -> Desk:
    return desk(database.scope, uuid7())


@pytest.fixture(scope="module")
def two(cluster: Cluster) -> Iterator[tuple[Database, Database]]:
    """Provide a database for each of two processes."""
    url = cluster.url("greenroom_work", "house")
    first, second = Database(url, application="first"), Database(url, application="second")
    yield first, second
    first.close()
    second.close()


@pytest.mark.parametrize("name", ACTS)
def test_act_takes_its_locks_in_order(
    two: tuple[Database, Database], made: Desk, name: str
) -> None:
    trace = Trace()
    raised = act_out(two[0], made, name, trace)
    assert raised is None, raised
    assert trace.taken, "the operation takes no lock at all"
    assert not trace.disorder(), trace.disorder()


def _blocked(database: Database, application: str) -> bool:
    with database.engine.connect() as connection:
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = :name AND "
            "wait_event_type = 'Lock'"
        )
        return bool(connection.execute(waiting, {"name": application}).scalar())


def interleave(
    two: tuple[Database, Database], *, watch: Database, desk: Desk, first: str, second: str, at: int
) -> list[str]:
    """Stop `first` before its lock number `at`, run `second` until it ends or waits, then resume
    `first`."""
    stopped, go, results = threading.Event(), threading.Event(), {}

    def hook(name: str) -> None:
        if len(trace.taken) == at:
            stopped.set()
            go.wait(10)

    trace = Trace(before=hook)
    one = threading.Thread(target=lambda: results.update(first=act_out(two[0], desk, first, trace)))
    other = threading.Thread(
        target=lambda: results.update(second=act_out(two[1], desk, second, Trace()))
    )
    one.start()
    stopped.wait(10)
    other.start()
    until = monotonic() + 5
    while other.is_alive() and not _blocked(watch, "second") and monotonic() < until:
        sleep(0.002)
    go.set()
    one.join(20)
    other.join(20)
    return [
        f"{first} at {at} / {second}: {error}" for error in results.values() if _is_deadlock(error)
    ]


def _is_deadlock(error: BaseException | None) -> bool:
    if error is None or isinstance(error, GreenroomError):
        return False  # another transaction was faster: the operation reports it, and none waits
    return (
        not isinstance(error, OperationalError) or getattr(error.orig, "sqlstate", "") == DEADLOCK
    )


@pytest.fixture(scope="module")
def traces(two: tuple[Database, Database], made: Desk) -> dict[str, list[tuple[int, str]]]:
    """Return the locks that each operation takes when it runs alone."""
    found = {}
    for name in ACTS:
        trace = Trace()
        act_out(two[0], made, name, trace)
        found[name] = trace.taken
    return found


@pytest.mark.parametrize("first", ACTS)
def test_no_two_acts_wait_for_each_other(
    two: tuple[Database, Database],
    database: Database,
    made: Desk,
    traces: dict[str, list[tuple[int, str]]],
    first: str,
) -> None:
    """Two operations need at least two common locks to deadlock; such pairs are interleaved at each
    change of rank."""
    own = traces[first]
    places = [at for at in range(1, len(own)) if own[at][0] != own[at - 1][0]]
    meetings = [
        (second, at) for second in ACTS if len(set(own) & set(traces[second])) > 1 for at in places
    ]
    deadlocks = [
        found
        for second, at in meetings
        for found in interleave(two, watch=database, desk=made, first=first, second=second, at=at)
    ]
    assert not deadlocks, "\n".join(deadlocks)


def test_planted_disorder_is_found() -> None:
    trace = Trace()
    for statement in (
        "UPDATE deliveries SET state = 'held' WHERE id = :id",
        "SELECT state FROM channels WHERE id = :id FOR NO KEY UPDATE",
        "SELECT pg_advisory_xact_lock_shared(k) FROM unnest(CAST(:keys AS text[])) k",
        "UPDATE deliveries SET state = 'draft' WHERE id = :id",
    ):
        trace.note(statement, {"keys": ["t:person:1"]})
    assert trace.disorder() == [
        "channels (channel and budget) after deliveries (subject)",
        "epoch t:person:1 (epochs) after deliveries (subject)",
    ]


def test_read_takes_no_lock() -> None:
    assert not list(list_locks("SELECT state FROM channels WHERE id = :id", {}))


def test_planted_deadlock_is_found(
    two: tuple[Database, Database], database: Database, made: Desk
) -> None:
    """Lock the same two rows in opposite orders."""

    def planted(*tables: str) -> Callable[[Scope, Desk], object]:
        return lambda scope, desk: [
            scope.run(
                f"UPDATE {table} SET updated_at = house_now() WHERE tenant_id = :t",
                t=scope.tenant_id,
            )
            for table in tables
        ]

    ACTS["down"], ACTS["up"] = planted("channels", "deliveries"), planted("deliveries", "channels")
    try:
        assert interleave(two, watch=database, desk=made, first="down", second="up", at=1)
    finally:
        del ACTS["down"], ACTS["up"]
