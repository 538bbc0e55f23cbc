"""Speed of the gate: decisions and permits in an agency with a long history, and verification of a
log.

Classifiers are not part of it: their results are evidence that is already stored.
"""

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine, text

from benchmarks import review_workload
from benchmarks.measurement import BENCHMARK_SEED
from benchmarks.publishing import recall
from benchmarks.servers import BenchmarkServers, run_servers
from benchmarks.text_corpus import false_alarm_rates
from foundation.db.database import Database, Scope
from foundation.ids import derived_uuid, uuid7
from foundation.ops.clock import monotonic
from gate.contract.permit import Permit
from gate.contract.units import Medium, Subject, Text, Unit
from gate.log import hash_chain, proof, signed_checkpoints
from gate.log.signed_checkpoints import Anchor, Checkpoint, LogKey, RootLink
from gate.permits import issuance
from tenants.agencies import agencies
from tenants.agencies.rights import Role

LOG_ENTRIES = 100_000
LOG_EVERY = 1000
_BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def measure_log_verification() -> dict[str, float]:
    """Measure `log_verify_per_s`: verified entries a second of an export in memory, on one core."""
    lines = list(_build_log(LogKey.derive(bytes(32))))
    begun = monotonic()
    found = proof.verify_export(lines)
    seconds = monotonic() - begun
    if not found.is_intact or found.logs[0].entries != LOG_ENTRIES:
        raise RuntimeError("the generated log is not whole")
    return {"log_verify_per_s": LOG_ENTRIES / seconds}


def _build_log(key: LogKey) -> Iterator[bytes]:
    """Build an export of one log, with a checkpoint and a link of the root chain every thousand
    entries."""
    name = key.log_name(derived_uuid("bench"), _BEGAN)
    entries = []
    signed = []
    root = []
    last = before = link = hash_chain.GENESIS_HASH
    for seq in range(1, LOG_ENTRIES + 1):
        sealed = hash_chain.hashed_bytes(_build_log_entry(seq, last))
        last = hash_chain.sha256_hex(sealed)
        entries.append(proof.entry_line(sealed, last))
        if seq % LOG_EVERY == 0:
            number = seq // LOG_EVERY
            signed.append(Checkpoint(name, number, seq, last, seq, before, link).to_statement(key))
            before = hash_chain.sha256_hex(signed[-1])
            root.append(
                RootLink(number, seq, link, (Anchor(name, number, before),)).to_statement(key)
            )
            link = hash_chain.sha256_hex(root[-1])
    opening = {
        "format": 1,
        "key": key.public_key_text,
        "logs": [name],
        "every": True,
        "links": len(root),
        "at": 0,
    }
    yield signed_checkpoints.sign_statement("export", opening, key)
    yield from root
    yield signed_checkpoints.sign_statement("log", {"agency": "Bench", "log": name}, key)
    for number, line in enumerate(signed):
        yield from entries[number * LOG_EVERY : (number + 1) * LOG_EVERY]
        yield line
    end = {"log": name, "seq": LOG_ENTRIES, "hash": last, "checkpoints": len(signed), "at": 0}
    yield signed_checkpoints.sign_statement("end", end, key)


def _build_log_entry(seq: int, last: str) -> dict[str, object]:
    """Build an entry of realistic length."""
    ids = {
        part: derived_uuid(part, seq)
        for part in ("id", "tenant_id", "subject_id", "creator_id", "channel_id")
    }
    return {
        **ids,
        "seq": seq,
        "prev_hash": last,
        "decided_at": _BEGAN + timedelta(seconds=seq),
        "subject_kind": "delivery",
        "surface": "sandbox.post",
        "unit_digest": hash_chain.sha256_hex(b"unit %d" % seq),
        "snapshot_digest": hash_chain.sha256_hex(b"snapshot %d" % seq),
        "author": f"member:{derived_uuid('author')}",
        "stage": "mint",
        "verdict": "H",
        "reasons": ["CONSENT_MISSING", "REVIEW_MISSING"],
        "rating": "N",
        "flags": ["sensitive=true"],
        "bundle": "2026.11.20-3+0123456789ab",
    }


PERSONS = 10_000
RENDITIONS = 100_000
PERMITS = 1_000_000
BLOCKED = 50_000
READERS = 10_000
ROUNDS = 400
WARM = 20
PLATFORM = "sandbox"
WORDS = "A quiet evening by the sea, and one more picture for those who asked. See you on Sunday!"
HISTORY_SQL = Path(__file__).with_name("decision_speed.sql")


@dataclass(frozen=True)
class MeasuredAgency:
    """The measured agency and the access to its rows."""

    database: Database
    tenant_id: UUID
    creator_id: UUID
    channel_id: UUID
    author: str


@dataclass(frozen=True)
class _Step:
    """A request, as the gate sees it."""

    name: str
    body: str

    def wire_digest(self) -> str:
        return hashlib.sha256(self.body.encode()).hexdigest()


def measure_gate() -> dict[str, float]:
    """Start temporary servers, write the history, measure and stop. Takes about six minutes.

    decision_p95_ms: from the start of the transaction to its commit with the entry in the log, for
    a picture of two real persons, half of them posts and half messages to one recipient;
    mint_consume_p95_ms: the same for a claim, with locks and permit.
    """
    with run_servers() as found:
        agency = _create_agency(found)
        _load_history(found, agency)
        drawn = random.Random(BENCHMARK_SEED)  # noqa: S311 - which picture, not a secret
        units = [
            _add_required_flags(agency, _build_unit(agency, drawn)) for _ in range(ROUNDS + WARM)
        ]
        key = Ed25519PrivateKey.generate()
        _must_pass(agency, units[:WARM], key)
        decided = _time_calls(units[WARM:], lambda unit: _judge_unit(agency, unit))
        minted = _time_calls(units[WARM:], lambda unit: _mint_permit(agency, unit, key))
        verified = _time_verification(agency, units[-1], key)
        looked = recall.measure_evidence_ms(
            lambda: _open_scope(agency), units[WARM:], author=agency.author
        )
        agency.database.close()
    return {
        "decision_p50_ms": _percentile_ms(decided, 50),
        "decision_p95_ms": _percentile_ms(decided, 95),
        "mint_consume_p95_ms": _percentile_ms(minted, 95),
        "permit_verify_p95_ms": _percentile_ms(verified, 95),
        "evidence_p50_ms": looked,
        **recall.measure_recall(looked),
        **measure_log_verification(),
        **false_alarm_rates(),
        **review_workload.measure_review_workload(),
    }


def _percentile_ms(seconds: Sequence[float], share: int) -> float:
    return 1000 * sorted(seconds)[-(-len(seconds) * share // 100) - 1]


def _time_calls(units: Sequence[Unit], act: Callable[[Unit], object]) -> list[float]:
    taken = []
    for unit in units:
        started = monotonic()
        act(unit)
        taken.append(monotonic() - started)
    return taken


def _create_agency(found: BenchmarkServers) -> MeasuredAgency:
    database = Database(found.work_url, pool_size=2)
    tenant_id = uuid7()
    with database.scope(tenant_id, "system:bench") as scope:
        agencies.create_agency(scope, name="Bench", language="en", zone="UTC")
        creator_id = agencies.add_creator(
            scope,
            slug="bench",
            name="Bench",
            kind="human",
            zone="UTC",
            languages=["en"],
            rating_ceiling="E",
        )
        members = [
            agencies.add_member(
                scope,
                name=name,
                email=f"{name}@example.test",
                role=Role.OWNER,
                language="en",
                zone="UTC",
            )
            for name in ("ann", "rob")
        ]
    return MeasuredAgency(database, tenant_id, creator_id, uuid7(), f"member:{members[0]}")


def _load_history(found: BenchmarkServers, agency: MeasuredAgency) -> None:
    """Write the history as the superuser; loading is not measured."""
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
        for statement in HISTORY_SQL.read_text("utf-8").split(";\n"):
            if statement.strip():
                connection.execute(text(statement), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def _rendition_digest(number: int) -> str:
    return hashlib.sha256(f"rendition {number}".encode()).hexdigest()


def _build_unit(agency: MeasuredAgency, drawn: random.Random) -> Unit:
    """Build a unit with a picture of two persons and a realistic text, for the public or for one
    recipient."""
    picture = Medium(_rendition_digest(drawn.randrange(1, RENDITIONS + 1)), "image/jpeg", 1000)
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


def _must_pass(agency: MeasuredAgency, units: Sequence[Unit], key: Ed25519PrivateKey) -> None:
    """Raise if the gate blocks the unit: a gate that blocks everything would be fast."""
    for unit in units:
        decision = _judge_unit(agency, unit)
        if not decision.is_allowed:
            raise RuntimeError(f"refused: {decision.reasons} at {unit.surface}")
        _mint_permit(agency, unit, key)


def _open_scope(agency: MeasuredAgency) -> AbstractContextManager[Scope]:
    return agency.database.scope(agency.tenant_id, "system:bench")


def _judge_unit(agency: MeasuredAgency, unit: Unit) -> issuance.Decision:
    with _open_scope(agency) as scope:
        return issuance.judge_unit(scope, unit, author=agency.author)


def _add_required_flags(agency: MeasuredAgency, unit: Unit) -> Unit:
    """Return the unit with the labels that its surface requires."""
    with _open_scope(agency) as scope:
        return replace(unit, flags=issuance.required_flags_of_unit(scope, unit))


def _mint_permit(agency: MeasuredAgency, unit: Unit, key: Ed25519PrivateKey) -> Permit:
    with _open_scope(agency) as scope:
        issuance.lock_unit(scope, unit)
        return issuance.mint_permit(
            scope, unit, _Step("publish", str(unit.subject.id)), key=key, author=agency.author
        )


def _time_verification(agency: MeasuredAgency, unit: Unit, key: Ed25519PrivateKey) -> list[float]:
    permit = _mint_permit(agency, replace(unit, subject=Subject("delivery", uuid7())), key)
    public = key.public_key()
    taken = []
    for _ in range(ROUNDS):
        started = monotonic()
        if not permit.is_signed_by(public):
            raise RuntimeError("a permit of our own is not proven")
        taken.append(monotonic() - started)
    return taken
