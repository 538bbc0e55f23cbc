"""The log of decisions: one chain per tenant, without gaps, appended last before each commit."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.ops import telemetry
from gate.contract.facts import EvidenceSnapshot
from gate.contract.units import Unit
from gate.decision.decide import Decision
from gate.log import hash_chain
from gate.log.hash_chain import GENESIS_HASH
from gate.log.models import DecisionRow

_PENDING = "gate.log"


@dataclass(frozen=True)
class LogEntry:
    """A decision that is to be appended, with its inputs."""

    id: UUID
    decided_at: datetime
    stage: str
    """"judge" or "mint"."""
    author: str
    unit: Unit
    snapshot: EvidenceSnapshot
    decision: Decision


@dataclass(frozen=True)
class ChainIntact:
    """The result for an intact chain of `count` entries; `head` is the hash of the last one."""

    count: int
    head: str


@dataclass(frozen=True)
class ChainBroken:
    """The result for a broken chain: the entry `seq` was changed, removed, swapped or cut off."""

    seq: int


def create_entry(
    unit: Unit,
    snapshot: EvidenceSnapshot,
    decision: Decision,
    *,
    author: str,
    stage: str,
    decided_at: datetime,
) -> LogEntry:
    return LogEntry(uuid7(), decided_at, stage, author, unit, snapshot, decision)


def append_entry(scope: Scope, new: LogEntry) -> None:
    """Append an entry to the tenant's chain when this transaction commits.

    Repeated calls with the same entry append it once.
    """
    pending: list[LogEntry] = scope.session.info.setdefault(_PENDING, [])
    if not pending:
        scope.before_commit(_record_pending_entries, role="gate")
    if all(each.id != new.id for each in pending):
        pending.append(new)


def encode_snapshot(snapshot: EvidenceSnapshot) -> str:
    """Return the stored form of a snapshot, as canonical JSON."""
    return canonical_json(snapshot).decode()


def encode_unit(unit: Unit) -> str:
    """Return the stored form of a unit, as canonical JSON."""
    return canonical_json(unit).decode()


_LOCK_HEAD = """
INSERT INTO log_heads (tenant_id, id, seq, hash) VALUES (:tenant, :tenant, 0, :genesis)
ON CONFLICT (tenant_id, id) DO UPDATE SET seq = log_heads.seq RETURNING seq, hash
"""

_ADD = """
WITH entry AS (INSERT INTO decisions (tenant_id, id, seq, prev_hash, hash, decided_at,
subject_kind, subject_id,
  creator_id, channel_id, surface, unit_digest, snapshot_digest, author, stage, verdict, reasons,
  rating, flags, bundle)
VALUES (:tenant_id, :id, :seq, :prev_hash, :hash, :decided_at, :subject_kind, :subject_id,
  :creator_id, :channel_id, :surface, :unit_digest, :snapshot_digest, :author, :stage, :verdict,
  CAST(:reasons AS jsonb), :rating, CAST(:flags AS jsonb), :bundle)
ON CONFLICT (tenant_id, id) DO NOTHING RETURNING id),
input AS (INSERT INTO decision_inputs (tenant_id, id, unit, snapshot)
SELECT :tenant_id, id, :unit, :snapshot FROM entry)
UPDATE log_heads SET seq = :seq, hash = :hash, updated_at = house_now()
WHERE tenant_id = :tenant_id AND EXISTS (SELECT 1 FROM entry)
"""
"""Insert an entry with its inputs and advance the head. Does nothing if the entry exists."""


def _record_pending_entries(scope: Scope) -> None:
    pending: list[LogEntry] = scope.session.info.pop(_PENDING, [])
    # The lock on the head serializes concurrent transactions of the tenant.
    seq, last = scope.run(_LOCK_HEAD, tenant=scope.tenant_id, genesis=GENESIS_HASH).one()
    for each in pending:
        snapshot = encode_snapshot(each.snapshot)
        fields = _entry_fields(scope.tenant_id, each, hashlib.sha256(snapshot.encode()).hexdigest())
        fields |= {"seq": seq + 1, "prev_hash": last}
        fields["hash"] = _hash_fields(fields)
        stored = {
            **fields,
            "reasons": _encode_json(fields["reasons"]),
            "flags": _encode_json(fields["flags"]),
        }
        if scope.run(_ADD, **stored, unit=encode_unit(each.unit), snapshot=snapshot).rowcount:
            seq = seq + 1
            last = fields["hash"]
            scope.after_commit(telemetry.GATE_DECISIONS.labels(str(each.decision.verdict)).inc)


def _entry_fields(tenant_id: UUID, each: LogEntry, snapshot_digest: str) -> dict[str, Any]:
    """Return the fields of an entry without its position in the chain."""
    return {
        "tenant_id": tenant_id,
        "id": each.id,
        "decided_at": each.decided_at,
        "subject_kind": each.unit.subject.kind,
        "subject_id": each.unit.subject.id,
        "creator_id": each.unit.creator_id,
        "channel_id": each.unit.channel_id,
        "surface": each.unit.surface,
        "unit_digest": each.unit.digest(),
        "snapshot_digest": snapshot_digest,
        "author": each.author,
        "stage": each.stage,
        "verdict": str(each.decision.verdict),
        "reasons": [str(reason) for reason in each.decision.reasons],
        "rating": str(each.decision.rating),
        "flags": list(each.decision.flags),
        "bundle": each.decision.bundle,
    }


def _encode_json(value: object) -> str:
    return canonical_json(value).decode()


_CHAINED = tuple(
    name for name in DecisionRow.model_fields if name not in ("hash", "created_at", "updated_at")
)
"""The columns that an entry's hash covers: all except the hash and the row's own timestamps."""


def _hash_fields(fields: dict[str, Any]) -> str:
    return hash_chain.sha256_hex(hash_chain.hashed_bytes(fields))


def verify_chain(scope: Scope) -> ChainIntact | ChainBroken:
    """Verify the tenant's chain from its first entry to its head."""
    head = chain_head(scope)
    last = head.last if head is not None else _BEFORE_ANY
    found = walk_chain(scope, after=0, last=GENESIS_HASH, until=last)
    if (
        isinstance(found, ChainIntact)
        and head is not None
        and (found.count, found.head) != (head.seq, head.hash)
    ):
        return ChainBroken(found.count + 1)
    return found


def walk_chain(scope: Scope, *, after: int, last: str, until: int) -> ChainIntact | ChainBroken:
    """Verify the chain from the entry after `after`, whose hash is `last`, to entry `until`."""
    seq = after
    for fields in list_entries(scope, after=after or _BEFORE_ANY, until=until):
        found = fields.pop("hash")
        if fields["seq"] != seq + 1 or fields["prev_hash"] != last or _hash_fields(fields) != found:
            return ChainBroken(seq + 1)
        seq = seq + 1
        last = found
    return ChainIntact(seq, last)


@dataclass(frozen=True)
class ChainHead:
    """The end of a tenant's chain, its start time, and the number of the last stored entry.

    `last` equals `seq` unless the table was tampered with.
    """

    seq: int
    hash: str
    began: datetime
    last: int


_HEAD = """
SELECT seq, hash, created_at, coalesce((SELECT max(seq) FROM decisions WHERE tenant_id =
:tenant), 0) AS last
FROM log_heads WHERE tenant_id = :tenant
"""


def chain_head(scope: Scope) -> ChainHead | None:
    """Return the end of the tenant's chain, or None before its first entry."""
    found = scope.run(_HEAD, tenant=scope.tenant_id).first()
    return None if found is None else ChainHead(found.seq, found.hash, found.created_at, found.last)


PAGE = 2000
_BEFORE_ANY = -(2**62)
"""Lower than any number, to find entries inserted before the first one."""


def list_entries(scope: Scope, *, until: int, after: int = _BEFORE_ANY) -> Iterator[dict[str, Any]]:
    """Yield the entries after `after` up to `until`, in order, read in pages.

    Each has its hash and every column that the hash covers.
    """
    columns = ", ".join([*_CHAINED, "hash"])
    statement = (
        f"SELECT {columns} FROM decisions"  # noqa: S608 fixed column names
        " WHERE tenant_id = :tenant AND seq > :after AND seq <= :until ORDER BY seq LIMIT :page"
    )
    while rows := scope.run(
        statement, tenant=scope.tenant_id, after=after, until=until, page=PAGE
    ).all():
        for row in rows:
            yield dict(row._mapping)
        after = rows[-1].seq
