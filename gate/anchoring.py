"""Making checkpoints: the logs that are due, one after the other, then a link of the product's root that names them.

The archive decides, the database only notes: what is kept under a number first is that number's checkpoint. Whoever
dies between keeping and noting finds it kept at the next turn, checks it against the chain and notes it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from foundation import jobs, telemetry
from foundation.archive import Archive
from foundation.database import OpenScope, Scope
from foundation.ids import HOUSE, uuid7
from foundation.words import Message
from gate import chain, checkpoints, log
from gate.chain import GENESIS
from gate.checkpoints import Anchor, Checkpoint, Forged, Link, LogKey
from gate.events import CheckpointDue
from tenants import notices
from tenants.scope import all_tenants

ACTOR = "system:checkpoint"
EVERY = timedelta(minutes=10)
ENTRIES = 1000
"""A checkpoint is due so long after the one before, or after so many entries, whichever comes first."""

MOST_ANCHORS = 500
"""Checkpoints in one link of the root; what is left goes into the next."""

BROKEN = "log"
"""Cause of the notice that a log does not fit together."""

_log = telemetry.log("gate.anchoring")


@dataclass(frozen=True)
class Noted:
    """The last checkpoint of a log that was noted."""

    number: int = 0
    seq: int = 0
    head: str = GENESIS
    digest: str = GENESIS
    at: datetime | None = None


def anchor_logs(event: CheckpointDue, *, tenant: OpenScope, archive: Archive, key: LogKey) -> None:
    """Make every checkpoint that is due, and the links of the root that name them."""
    with jobs.heartbeat() as pulse:
        for tenant_id in all_tenants(tenant):
            pulse.check()
            try:
                anchor_log(tenant_id, tenant=tenant, archive=archive, key=key)
            except Broken as broken:
                _tell(tenant_id, broken, tenant=tenant)
        pulse.check()
        link_root(tenant=tenant, archive=archive, key=key)


class Broken(Exception):
    """A log does not fit together any more: nothing is signed over it."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        super().__init__(f"at entry {seq}")


def anchor_log(tenant_id: UUID, *, tenant: OpenScope, archive: Archive, key: LogKey) -> Checkpoint | None:
    """Make the next checkpoint of a log if it is due; None when not.

    Raises Broken: the chain since the last checkpoint is not whole, or what is kept outside says otherwise.
    """
    with tenant(HOUSE, ACTOR) as scope:
        root = _noted(scope)
    with tenant(tenant_id, ACTOR) as scope:
        head, before, now = log.head_of(scope), _noted(scope), scope.now
        if head is None or not _due(head, before, now):
            return None
        _whole(scope, head, before)
    name = key.name(tenant_id, head.began)
    made = Checkpoint(
        log=name,
        number=before.number + 1,
        seq=head.seq,
        head=head.hash,
        at=chain.micros(now),
        previous=before.digest,
        root=root.digest,
    )
    kept = archive.keep(checkpoints.place(name, made.number), made.signed(key))
    with tenant(tenant_id, ACTOR) as scope:
        found = _fitting(scope, kept, made, key)
        _note(scope, Noted(found.number, found.seq, found.head, chain.digest(kept), chain.instant_of(found.at)))
        notices.settle(scope, BROKEN)
    return found


def _due(head: log.Head, before: Noted, now: datetime) -> bool:
    new = max(head.seq, head.last) - before.seq
    if new < 0:
        return True  # a log that grew shorter: said at once
    since = before.at if before.at is not None else head.began
    return new >= ENTRIES or (new > 0 and now >= since + EVERY)


def _whole(scope: Scope, head: log.Head, before: Noted) -> None:
    """Raise Broken unless the chain leads from the last checkpoint to the head."""
    found = log.walk(scope, after=before.seq, last=before.head, until=head.last)
    if isinstance(found, log.Broken):
        raise Broken(found.seq)
    if (found.count, found.head) != (head.seq, head.hash):
        raise Broken(min(found.count, head.seq) + 1)


def _fitting(scope: Scope, kept: bytes, made: Checkpoint, key: LogKey) -> Checkpoint:
    """What is kept: ours, or one from a turn that died before it was noted. Raises Broken if it is neither."""
    try:
        found = Checkpoint.read(kept, key.signing.public_key())
    except Forged as forged:
        raise Broken(made.seq) from forged
    if found == made:
        return made
    then = scope.run(
        "SELECT hash FROM decisions WHERE tenant_id = :tenant AND seq = :seq", tenant=scope.tenant_id, seq=found.seq
    ).scalar()
    if (found.log, found.number, found.previous, found.head) != (made.log, made.number, made.previous, then):
        raise Broken(found.seq)
    return found


_LAST = """
SELECT number, seq, head, digest, at FROM log_checkpoints WHERE tenant_id = :tenant ORDER BY number DESC LIMIT 1
"""


def _noted(scope: Scope) -> Noted:
    row = scope.run(_LAST, tenant=scope.tenant_id).first()
    return Noted() if row is None else Noted(row.number, row.seq, row.head, row.digest, row.at)


_NOTE = """
INSERT INTO log_checkpoints (tenant_id, id, number, seq, head, at, digest)
VALUES (:tenant, :id, :number, :seq, :head, :at, :digest) ON CONFLICT DO NOTHING
"""


def _note(scope: Scope, noted: Noted) -> None:
    with scope.acting_as("gate"):
        scope.run(_NOTE, tenant=scope.tenant_id, id=uuid7(), **vars(noted))


def link_root(*, tenant: OpenScope, archive: Archive, key: LogKey) -> None:
    """Name every checkpoint that no link of the root names yet, in as many links as that takes."""
    open_ones = list(_open(tenant, key))
    while open_ones:
        with tenant(HOUSE, ACTOR) as scope:
            before, now = _noted(scope), scope.now
        anchors = tuple(anchor for _, anchor in open_ones[:MOST_ANCHORS])
        made = Link(before.number + 1, chain.micros(now), before.digest, anchors)
        kept = archive.keep(checkpoints.root_place(made.number), made.signed(key))
        link = _link(kept, made, key)
        named = set(link.anchors)  # of a turn that died, perhaps: then fewer than ours, and there is another round
        with tenant(HOUSE, ACTOR) as scope:
            seq, at = before.seq + len(link.anchors), chain.instant_of(link.at)
            _note(scope, Noted(link.number, seq, link.previous, chain.digest(kept), at))
        for tenant_id in {owner for owner, anchor in open_ones if anchor in named}:
            numbers = [anchor.number for owner, anchor in open_ones if owner == tenant_id and anchor in named]
            _name(tenant_id, numbers, link, tenant=tenant)
        open_ones = [pair for pair in open_ones if pair[1] not in named]


def _link(kept: bytes, made: Link, key: LogKey) -> Link:
    try:
        found = Link.read(kept, key.signing.public_key())
    except Forged as forged:
        raise Broken(made.number) from forged
    if (found.number, found.previous) != (made.number, made.previous):
        raise Broken(made.number)
    return found


def _open(tenant: OpenScope, key: LogKey) -> Iterator[tuple[UUID, Anchor]]:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, ACTOR) as scope:
            rows = scope.run(
                "SELECT c.number, c.digest, h.created_at FROM log_checkpoints c"
                " JOIN log_heads h ON h.tenant_id = c.tenant_id"
                " WHERE c.tenant_id = :tenant AND c.root IS NULL ORDER BY c.number",
                tenant=tenant_id,
            ).all()
        for row in rows:
            yield tenant_id, Anchor(key.name(tenant_id, row.created_at), row.number, row.digest)


def _name(tenant_id: UUID, numbers: Sequence[int], link: Link, *, tenant: OpenScope) -> None:
    with tenant(tenant_id, ACTOR) as scope, scope.acting_as("gate"):
        scope.run(
            "UPDATE log_checkpoints SET root = :link, updated_at = house_now()"
            " WHERE tenant_id = :tenant AND number = ANY(:numbers) AND root IS NULL",
            tenant=tenant_id,
            link=link.number,
            numbers=list(numbers),
        )


def _tell(tenant_id: UUID, broken: Broken, *, tenant: OpenScope) -> None:
    """Say it to the members, once while it lasts, and to those who run the house."""
    _log.error("log.broken", tenant=str(tenant_id), seq=broken.seq)
    with tenant(tenant_id, ACTOR) as scope:
        notices.put(scope, Message("gate.log_broken", {"seq": broken.seq}), cause=BROKEN, urgent=True)


def close_log(tenant_id: UUID, *, tenant: OpenScope, archive: Archive, key: LogKey) -> None:
    """Keep a signed word that this log ends here, since its agency is removed; nothing for one that never began."""
    with tenant(tenant_id, ACTOR) as scope:
        head, now = log.head_of(scope), scope.now
    if head is not None:
        name = key.name(tenant_id, head.began)
        said = {"log": name, "seq": head.seq, "head": head.hash, "at": chain.micros(now)}
        archive.keep(checkpoints.closing_place(name), checkpoints.state("closed", said, key))
