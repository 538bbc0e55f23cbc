"""Taking back what is outside: copies are listed, marked and stated one by one; removing is done
above."""

from collections.abc import Iterable
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate import epochs, journal
from gate.copies import live_copies
from gate.copies.live_copies import LiveCopy
from gate.ratings import inspections, ratings
from gate.removal.events import TakedownOpened

_BLOCK = """
INSERT INTO blocklist (tenant_id, id, sha256, phash, category, complaint_id)
VALUES (:tenant, :id, :sha256, :phash, :category, :complaint)
ON CONFLICT (tenant_id, sha256) DO NOTHING
"""

MINOR_CATEGORY = "minor"
"""The category whose entries nobody ever lifts."""

_UNBLOCK = """
DELETE FROM blocklist WHERE tenant_id = :tenant AND sha256 = :sha256 AND category <> :never
"""
"""The database lets go of nothing but what an appeal lifted that two people agreed about (migration
0033)."""


def open_takedowns(scope: Scope, listed: Iterable[LiveCopy], reason: Message) -> list[UUID]:
    """Mark every copy and state each once; returns the permits whose copies are to go. A copy
    marked before is left.

    Whatever is wrong with changed words, it is the copy they are in that goes.
    """
    opened = []
    for each in listed:
        jti = each.edits or each.jti
        if live_copies.mark_for_recall(scope, jti, reason):
            outbox.put(scope, TakedownOpened(scope.tenant_id, jti, each.channel_id))
            opened.append(jti)
    return opened


def block_bytes(
    scope: Scope,
    sha256: str,
    *,
    category: str,
    phash: str | None = None,
    complaint_id: UUID | None = None,
) -> list[UUID]:
    """Put bytes on the blocklist (the house's, in a scope of the house) and call their copies back.

    `complaint_id` is the request that was upheld, where it was one. In a tenant the rendition goes
    too; near copies are caught by `phash`, 64 bits in hexadecimal, and those of them that are
    mirrored or turned where both pictures are the tenant's, or the blocked one came first.
    """
    epochs.lock_and_advance(scope, epochs.tenant_key(scope))
    with scope.acting_as("gate"):
        said = {"sha256": sha256, "phash": phash, "category": category, "complaint": complaint_id}
        scope.run(_BLOCK, tenant=scope.tenant_id, id=uuid7(), **said)
        scope.run(
            "UPDATE renditions SET state = 'removed', updated_at = house_now()"
            " WHERE tenant_id = :tenant AND sha256 = :sha256",
            tenant=scope.tenant_id,
            sha256=sha256,
        )
    journal.record_restriction(scope, journal.BLOCK, sha256, more=category, look=phash or "")
    inspections.mark_lookalikes_of_blocked(scope, sha256)
    return open_takedowns(
        scope, live_copies.live_copies_of_bytes(scope, sha256), Message("recall.blocked")
    )


def unblock_bytes(scope: Scope, sha256: str) -> bool:
    """Lift what an upheld request put on the tenant's blocklist, two people having agreed
    (`gate/reviews/appeals.py`).

    The bytes may be judged again like any others; what was called back stays away, and nothing is
    sent. An entry of a minor, of the house or without a request stays; whether one was lifted.
    """
    epochs.lock_and_advance(scope, epochs.tenant_key(scope))
    with scope.acting_as("gate"):
        named = {"tenant": scope.tenant_id, "sha256": sha256}
        if not scope.run(_UNBLOCK, **named, never=MINOR_CATEGORY).rowcount:
            return False
        scope.run(
            "UPDATE renditions SET state = 'made', updated_at = house_now()"
            " WHERE tenant_id = :tenant AND sha256 = :sha256 AND state = 'removed' AND NOT EXISTS ("
            "SELECT FROM seals s WHERE s.tenant_id = renditions.tenant_id AND s.sha256 = "
            "renditions.sha256)",
            **named,
        )
    journal.record_restriction(scope, journal.UNBLOCK, sha256)
    inspections.recheck_marked_pictures(scope)
    return True


def freeze_for_recall(scope: Scope, sha256: str) -> None:
    """Keep bytes from leaving until somebody decided about them. Raises NotFound."""
    ratings.freeze_bytes(scope, sha256)
