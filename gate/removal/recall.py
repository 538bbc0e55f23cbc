"""Recalls: mark copies for removal, publish an event for each, and manage the blocklist.

The copies are removed from the platforms by higher layers.
"""

from collections.abc import Iterable
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate import epochs, journal
from gate.copies import live_copies
from gate.copies.live_copies import LiveCopy
from gate.ratings import inspections
from gate.removal.events import TakedownOpened

_BLOCK = """
INSERT INTO blocklist (tenant_id, id, sha256, phash, category, complaint_id)
VALUES (:tenant, :id, :sha256, :phash, :category, :complaint)
ON CONFLICT (tenant_id, sha256) DO NOTHING
"""

MINOR_CATEGORY = "minor"
"""The category whose blocklist entries are permanent."""

_UNBLOCK = """
DELETE FROM blocklist WHERE tenant_id = :tenant AND sha256 = :sha256 AND category <> :never
"""
"""The database permits deletion only after a successful appeal decided by two people."""


def open_takedowns(scope: Scope, listed: Iterable[LiveCopy], reason: Message) -> list[UUID]:
    """Mark each copy for recall and publish one event per copy; return the permits of those copies.

    Copies that were marked before are skipped. For an edit, its copy is recalled.
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
    """Add bytes to the blocklist of the scope's tenant and recall their copies.

    In a scope of the installation this is the global blocklist. `complaint_id` is the upheld
    request, if any. In a tenant the rendition is removed too. Look-alikes match by `phash`, 64 bits
    in hexadecimal. Mirrored or rotated look-alikes match if both pictures belong to the tenant or
    the blocked one was recorded first.
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
    """Remove bytes of an upheld request from the tenant's blocklist after a successful appeal.

    Return True if an entry was removed. The bytes may be checked again like any others; recalled
    copies are not restored. Entries that concern a minor, belong to the installation or have no
    request are permanent. See `gate/reviews/appeals.py`.
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
