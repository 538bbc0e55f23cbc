"""What a decision costs in an agency with a long past, and how fast a permit is minted, used up and proven.

Classifiers are no part of it: what they say is evidence that lies there already.
"""

import hashlib
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine, text

from foundation.clock import monotonic
from foundation.database import Database, Scope
from foundation.ids import uuid7
from gate import minting
from gate.permit import Permit
from gate.units import Medium, Subject, Text, Unit
from tenants import agencies
from tenants.roles import Role
from workers import bench_desk, bench_recall
from workers.bench import SEED
from workers.bench_log import log_verify
from workers.bench_outbox import Servers, servers
from workers.gate_texts import false_alarms

PERSONS, RENDITIONS, PERMITS, BLOCKED, READERS = 10_000, 100_000, 1_000_000, 50_000, 10_000
ROUNDS = 400
WARM = 20
PLATFORM = "sandbox"
WORDS = "A quiet evening by the sea, and one more picture for those who asked. See you on Sunday!"
PAST = Path(__file__).with_name("bench_gate.sql")


@dataclass(frozen=True)
class Agency:
    """The agency that is measured, and the seam to its rows."""

    database: Database
    tenant_id: UUID
    creator_id: UUID
    channel_id: UUID
    author: str


@dataclass(frozen=True)
class _Step:
    """A request, as far as the gate is concerned."""

    name: str
    body: str

    def wire_digest(self) -> str:
        return hashlib.sha256(self.body.encode()).hexdigest()


def figures() -> dict[str, float]:
    """Start servers of its own, write the past, measure, stop. Takes about six minutes.

    decision_p95_ms: from opening the transaction to its commit with the entry in the log, for a picture of two real
    people, half of them posts and half messages to one reader; mint_consume_p95_ms: the same of a claim, with the locks
    and the permit.
    """
    with servers() as found:
        agency = _agency(found)
        _past(found, agency)
        drawn = random.Random(SEED)  # noqa: S311 - which picture, not a secret
        units = [_marked(agency, _unit(agency, drawn)) for _ in range(ROUNDS + WARM)]
        key = Ed25519PrivateKey.generate()
        _must_pass(agency, units[:WARM], key)
        decided = _timed(units[WARM:], lambda unit: _judge(agency, unit))
        minted = _timed(units[WARM:], lambda unit: _mint(agency, unit, key))
        verified = _verified(agency, units[-1], key)
        looked = bench_recall.looked_ms(lambda: _scope(agency), units[WARM:], author=agency.author)
        agency.database.close()
    return {
        "decision_p50_ms": _percentile(decided, 50),
        "decision_p95_ms": _percentile(decided, 95),
        "mint_consume_p95_ms": _percentile(minted, 95),
        "permit_verify_p95_ms": _percentile(verified, 95),
        "evidence_p50_ms": looked,
        **bench_recall.figures(looked),
        **log_verify(),
        **false_alarms(),
        **bench_desk.figures(),
    }


def _percentile(seconds: Sequence[float], share: int) -> float:
    return 1000 * sorted(seconds)[-(-len(seconds) * share // 100) - 1]


def _timed(units: Sequence[Unit], act: Callable[[Unit], object]) -> list[float]:
    taken = []
    for unit in units:
        started = monotonic()
        act(unit)
        taken.append(monotonic() - started)
    return taken


def _agency(found: Servers) -> Agency:
    database, tenant_id = Database(found.work_url, pool_size=2), uuid7()
    with database.scope(tenant_id, "system:bench") as scope:
        agencies.found(scope, name="Bench", language="en", zone="UTC")
        creator_id = agencies.add_creator(
            scope, slug="bench", name="Bench", kind="human", zone="UTC", languages=["en"], rating_ceiling="E"
        )
        members = [
            agencies.add_member(
                scope, name=name, email=f"{name}@example.test", role=Role.OWNER, language="en", zone="UTC"
            )
            for name in ("ann", "rob")
        ]
    return Agency(database, tenant_id, creator_id, uuid7(), f"member:{members[0]}")


def _past(found: Servers, agency: Agency) -> None:
    """Write the past as the superuser: loading is not what is measured."""
    engine = create_engine(found.superuser_url)
    values = {
        "tenant": agency.tenant_id,
        "creator": agency.creator_id,
        "channel": agency.channel_id,
        "persons": PERSONS,
        "renditions": RENDITIONS,
        "permits": PERMITS,
        "blocked": BLOCKED,
        "readers": READERS,
    }
    with engine.begin() as connection:
        for statement in PAST.read_text("utf-8").split(";\n"):
            if statement.strip():
                connection.execute(text(statement), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def _digest(number: int) -> str:
    return hashlib.sha256(f"rendition {number}".encode()).hexdigest()


def _unit(agency: Agency, drawn: random.Random) -> Unit:
    """A picture of two people with words as people write them, for everybody or for one reader."""
    picture = Medium(_digest(drawn.randrange(1, RENDITIONS + 1)), "image/jpeg", 1000)
    whole = Unit(
        tenant_id=agency.tenant_id,
        creator_id=agency.creator_id,
        subject=Subject("delivery", uuid7()),
        platform=PLATFORM,
        surface="sandbox.as_fanvue",
        channel_id=agency.channel_id,
        account="bench",
        audience="public",
        texts=(Text("body", WORDS),),
        media=(picture,),
    )
    if drawn.random() < 0.5:
        return whole
    reader = f"reader-{drawn.randrange(1, READERS + 1)}"
    subject = Subject("draft", whole.subject.id)
    return replace(whole, surface="sandbox.chat", audience="viewer", viewer=reader, subject=subject)


def _must_pass(agency: Agency, units: Sequence[Unit], key: Ed25519PrivateKey) -> None:
    """A gate that refuses everything would be fast."""
    for unit in units:
        decision = _judge(agency, unit)
        if not decision.allowed:
            raise RuntimeError(f"refused: {decision.reasons} at {unit.surface}")
        _mint(agency, unit, key)


def _scope(agency: Agency) -> AbstractContextManager[Scope]:
    return agency.database.scope(agency.tenant_id, "system:bench")


def _judge(agency: Agency, unit: Unit) -> minting.Decision:
    with _scope(agency) as scope:
        return minting.judge(scope, unit, author=agency.author)


def _marked(agency: Agency, unit: Unit) -> Unit:
    """As rooms hand it over: with the marks its place asks for."""
    with _scope(agency) as scope:
        return replace(unit, flags=minting.flags(scope, unit))


def _mint(agency: Agency, unit: Unit, key: Ed25519PrivateKey) -> Permit:
    with _scope(agency) as scope:
        minting.lock_epochs(scope, unit)
        return minting.mint(scope, unit, _Step("publish", str(unit.subject.id)), key=key, author=agency.author)


def _verified(agency: Agency, unit: Unit, key: Ed25519PrivateKey) -> list[float]:
    permit = _mint(agency, replace(unit, subject=Subject("delivery", uuid7())), key)
    public, taken = key.public_key(), []
    for _ in range(ROUNDS):
        started = monotonic()
        if not permit.verify(public):
            raise RuntimeError("a permit of our own is not proven")
        taken.append(monotonic() - started)
    return taken
