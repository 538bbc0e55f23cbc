"""Create the checkpoints of the logs that are due, and the link of the root chain that names them.

The archive decides and the database only records: the first statement stored under a number is that
number's checkpoint. After a crash between the two steps, the next run finds the stored checkpoint,
verifies it against the chain and records it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.ops import telemetry
from foundation.outbox import heartbeat
from foundation.storage.archive import Archive
from gate.log import decision_log, hash_chain, signed_checkpoints
from gate.log.events import CheckpointDue
from gate.log.hash_chain import GENESIS_HASH
from gate.log.signed_checkpoints import Anchor, Checkpoint, ForgedStatement, LogKey, RootLink
from tenants.notices import notices
from tenants.scope import list_tenant_ids

ACTOR = "system:checkpoint"
EVERY = timedelta(minutes=10)
ENTRIES_PER_CHECKPOINT = 1000
"""Entries after which a checkpoint is due, if `EVERY` has not passed before."""

MAX_ANCHORS = 500
"""Maximum checkpoints in one link of the root chain; further ones go into the next link."""

LOG_BROKEN_CAUSE = "log"
"""Cause of the notice that a log is inconsistent."""

_log = telemetry.get_logger("gate.log.anchors")


@dataclass(frozen=True)
class LastCheckpoint:
    """The last recorded checkpoint of a log."""

    number: int = 0
    seq: int = 0
    head: str = GENESIS_HASH
    digest: str = GENESIS_HASH
    at: datetime | None = None


def handle_checkpoint_due(
    event: CheckpointDue, *, tenant: OpenScope, archive: Archive, key: LogKey
) -> None:
    """Create every checkpoint that is due, and the links of the root chain that name them."""
    with heartbeat.heartbeat() as pulse:
        for tenant_id in list_tenant_ids(tenant):
            pulse.check_lease()
            try:
                checkpoint_log(tenant_id, tenant=tenant, archive=archive, key=key)
            except LogBroken as broken:
                _notify_log_broken(tenant_id, broken, tenant=tenant)
        pulse.check_lease()
        extend_root(tenant=tenant, archive=archive, key=key)


class LogBroken(Exception):
    """Raised if a log is inconsistent. Nothing is signed for it."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        super().__init__(f"at entry {seq}")


def checkpoint_log(
    tenant_id: UUID, *, tenant: OpenScope, archive: Archive, key: LogKey
) -> Checkpoint | None:
    """Create the next checkpoint of a log and return it, or return None if it is not due.

    Raises LogBroken if the chain since the last checkpoint is incomplete or contradicts the
    archive.
    """
    with tenant(INSTALLATION_ID, ACTOR) as scope:
        root = _load_last_checkpoint(scope)
    with tenant(tenant_id, ACTOR) as scope:
        head = decision_log.chain_head(scope)
        before = _load_last_checkpoint(scope)
        now = scope.now
        if head is None or not _is_checkpoint_due(head, before, now):
            return None
        _check_chain(scope, head, before)
    name = key.log_name(tenant_id, head.began)
    made = Checkpoint(
        log=name,
        number=before.number + 1,
        seq=head.seq,
        head=head.hash,
        at=hash_chain.to_microseconds(now),
        previous=before.digest,
        root=root.digest,
    )
    # No transaction is open during the write to the archive, which may be slow.
    kept = archive.put_once(
        signed_checkpoints.checkpoint_name(name, made.number), made.to_statement(key)
    )
    with tenant(tenant_id, ACTOR) as scope:
        found = _resolve_kept_checkpoint(scope, kept, made, key)
        _record_checkpoint(
            scope,
            LastCheckpoint(
                found.number,
                found.seq,
                found.head,
                hash_chain.sha256_hex(kept),
                hash_chain.from_microseconds(found.at),
            ),
        )
        notices.close(scope, LOG_BROKEN_CAUSE)
    return found


def _is_checkpoint_due(head: decision_log.ChainHead, before: LastCheckpoint, now: datetime) -> bool:
    new = max(head.seq, head.last) - before.seq
    if new < 0:
        return True  # A log that has become shorter is reported immediately.
    since = before.at if before.at is not None else head.began
    return new >= ENTRIES_PER_CHECKPOINT or (new > 0 and now >= since + EVERY)


def _check_chain(scope: Scope, head: decision_log.ChainHead, before: LastCheckpoint) -> None:
    """Raise LogBroken unless the chain leads from the last checkpoint to the head."""
    found = decision_log.walk_chain(scope, after=before.seq, last=before.head, until=head.last)
    if isinstance(found, decision_log.ChainBroken):
        raise LogBroken(found.seq)
    if (found.count, found.head) != (head.seq, head.hash):
        raise LogBroken(min(found.count, head.seq) + 1)


def _resolve_kept_checkpoint(
    scope: Scope, kept: bytes, made: Checkpoint, key: LogKey
) -> Checkpoint:
    """Return the archived checkpoint: this one, or one from a run that failed before it was
    recorded.

    Raises LogBroken if it is neither.
    """
    try:
        found = Checkpoint.from_statement(kept, key.signing.public_key())
    except ForgedStatement as forged:
        raise LogBroken(made.seq) from forged
    if found == made:
        return made
    then = scope.run(
        "SELECT hash FROM decisions WHERE tenant_id = :tenant AND seq = :seq",
        tenant=scope.tenant_id,
        seq=found.seq,
    ).scalar()
    if (found.log, found.number, found.previous, found.head) != (
        made.log,
        made.number,
        made.previous,
        then,
    ):
        raise LogBroken(found.seq)
    return found


_LAST = """
SELECT number, seq, head, digest, at FROM log_checkpoints WHERE tenant_id = :tenant ORDER BY
number DESC LIMIT 1
"""


def _load_last_checkpoint(scope: Scope) -> LastCheckpoint:
    row = scope.run(_LAST, tenant=scope.tenant_id).first()
    return (
        LastCheckpoint()
        if row is None
        else LastCheckpoint(row.number, row.seq, row.head, row.digest, row.at)
    )


_NOTE = """
INSERT INTO log_checkpoints (tenant_id, id, number, seq, head, at, digest)
VALUES (:tenant, :id, :number, :seq, :head, :at, :digest) ON CONFLICT DO NOTHING
"""


def _record_checkpoint(scope: Scope, noted: LastCheckpoint) -> None:
    with scope.acting_as("gate"):
        scope.run(_NOTE, tenant=scope.tenant_id, id=uuid7(), **vars(noted))


def extend_root(*, tenant: OpenScope, archive: Archive, key: LogKey) -> None:
    """Add every unnamed checkpoint to the root chain, in as many links as needed."""
    open_ones = list(_list_unanchored(tenant, key))
    while open_ones:
        with tenant(INSTALLATION_ID, ACTOR) as scope:
            before = _load_last_checkpoint(scope)
            now = scope.now
        anchors = tuple(anchor for _, anchor in open_ones[:MAX_ANCHORS])
        made = RootLink(before.number + 1, hash_chain.to_microseconds(now), before.digest, anchors)
        kept = archive.put_once(
            signed_checkpoints.root_link_name(made.number), made.to_statement(key)
        )
        link = _resolve_kept_link(kept, made, key)
        named = set(
            link.anchors
            # The link may come from a run that failed and name fewer checkpoints; then the loop
            # repeats.
        )
        with tenant(INSTALLATION_ID, ACTOR) as scope:
            seq = before.seq + len(link.anchors)
            at = hash_chain.from_microseconds(link.at)
            _record_checkpoint(
                scope,
                LastCheckpoint(link.number, seq, link.previous, hash_chain.sha256_hex(kept), at),
            )
        for tenant_id in {owner for owner, anchor in open_ones if anchor in named}:
            numbers = [
                anchor.number
                for owner, anchor in open_ones
                if owner == tenant_id and anchor in named
            ]
            _record_root_link(tenant_id, numbers, link, tenant=tenant)
        open_ones = [pair for pair in open_ones if pair[1] not in named]


def _resolve_kept_link(kept: bytes, made: RootLink, key: LogKey) -> RootLink:
    try:
        found = RootLink.from_statement(kept, key.signing.public_key())
    except ForgedStatement as forged:
        raise LogBroken(made.number) from forged
    if (found.number, found.previous) != (made.number, made.previous):
        raise LogBroken(made.number)
    return found


def _list_unanchored(tenant: OpenScope, key: LogKey) -> Iterator[tuple[UUID, Anchor]]:
    for tenant_id in list_tenant_ids(tenant):
        with tenant(tenant_id, ACTOR) as scope:
            rows = scope.run(
                "SELECT c.number, c.digest, h.created_at FROM log_checkpoints c"
                " JOIN log_heads h ON h.tenant_id = c.tenant_id"
                " WHERE c.tenant_id = :tenant AND c.root IS NULL ORDER BY c.number",
                tenant=tenant_id,
            ).all()
        for row in rows:
            yield tenant_id, Anchor(key.log_name(tenant_id, row.created_at), row.number, row.digest)


def _record_root_link(
    tenant_id: UUID, numbers: Sequence[int], link: RootLink, *, tenant: OpenScope
) -> None:
    with tenant(tenant_id, ACTOR) as scope, scope.acting_as("gate"):
        scope.run(
            "UPDATE log_checkpoints SET root = :link, updated_at = house_now()"
            " WHERE tenant_id = :tenant AND number = ANY(:numbers) AND root IS NULL",
            tenant=tenant_id,
            link=link.number,
            numbers=list(numbers),
        )


def _notify_log_broken(tenant_id: UUID, broken: LogBroken, *, tenant: OpenScope) -> None:
    """Notify the members, once while the fault lasts, and log the error for the operator."""
    _log.error("log.broken", tenant=str(tenant_id), seq=broken.seq)
    with tenant(tenant_id, ACTOR) as scope:
        notices.put(
            scope,
            Message("gate.log_broken", {"seq": broken.seq}),
            cause=LOG_BROKEN_CAUSE,
            urgent=True,
        )


def close_log(tenant_id: UUID, *, tenant: OpenScope, archive: Archive, key: LogKey) -> None:
    """Archive a signed statement that a log ends because its agency is removed.

    A log without entries gets none.
    """
    with tenant(tenant_id, ACTOR) as scope:
        head = decision_log.chain_head(scope)
        now = scope.now
    if head is not None:
        name = key.log_name(tenant_id, head.began)
        said = {
            "log": name,
            "seq": head.seq,
            "head": head.hash,
            "at": hash_chain.to_microseconds(now),
        }
        archive.put_once(
            signed_checkpoints.closing_name(name),
            signed_checkpoints.sign_statement("closed", said, key),
        )
