"""Assignment of pictures to a shoot card, at upload or later: each picture once, up to the number
on the card."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import Conflict, GreenroomError, NotFound
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate import epochs
from gate.assets.lookalikes import NEAR_BITS
from gate.consent import queries
from tenants import audit
from tenants.agencies.queries import get_acting_member
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices


@dataclass(frozen=True)
class CardBindingRequested:
    """A picture, the subject, is to be assigned to a card; `by` is `member:<id>`."""

    kind: ClassVar[str] = "card.bind"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    card: UUID
    by: str


def find_card_of_creator(scope: Scope, creator_id: UUID, card: str) -> UUID:
    """Return the ID of a card of this creator. Raises NotFound for any other ID."""
    try:
        known = queries.get_card_facts(scope, UUID(card))
    except ValueError as error:
        raise NotFound("card.unknown") from error
    if known.creator != creator_id:
        raise NotFound("card.unknown")
    return known.id


def request_binding(scope: Scope, asset_id: UUID, card_id: UUID, *, by: str) -> None:
    """Request the assignment of a picture to a card, as `by` (`member:<id>`). A worker executes it
    at once."""
    wanted = CardBindingRequested(scope.tenant_id, asset_id, card_id, by)
    outbox.put(scope, wanted, priority=0, dedupe=f"card.bind:{asset_id}:{card_id}")


def handle_binding(event: CardBindingRequested, *, tenant: OpenScope) -> None:
    """Assign a picture as the member who requested it, if they still have the right. Otherwise
    notify the agency of the reason."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            require_right(get_acting_member(scope, "card.people_only").role, Right.RUN)
            bind_asset(scope, event.subject_id, event.card)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def bind_asset(scope: Scope, asset_id: UUID, card_id: UUID) -> None:
    """Assign the original of an asset to a card. Does nothing if it is on this card already.

    Raises NotFound for a card or asset of another creator or agency; Conflict if it is on another
    card, or the card is full.
    """
    card = queries.get_card_facts(scope, card_id)
    origin = queries.original_assets(scope, [asset_id]).get(asset_id)
    if origin is None:
        raise NotFound("asset.unknown")
    # The card also applies to edits, so earlier decisions about them become void.
    family = _list_asset_family(scope, origin)
    epochs.lock_and_advance(scope, *(epochs.asset_key(scope, each) for each in family))
    scope.lock(f"card:{card_id}")
    known = queries.card_positions_of_assets(scope, [origin]).get(origin)
    if known is not None:
        if known.card.id != card_id:
            raise Conflict("card.on_another")
        return
    seen = _load_first_seen(scope, origin)
    if seen.creator_id != card.creator:
        raise NotFound("asset.unknown")
    with scope.acting_as("gate"):
        done = scope.run(
            _PLACE,
            tenant=scope.tenant_id,
            id=uuid7(),
            card=card_id,
            asset=origin,
            known=seen.known_at,
            by=scope.actor,
            most=card.pictures,
        ).first()
    if done is None:
        raise Conflict("card.full", count=card.pictures)
    audit.record(scope, "card.bound", f"asset:{origin}")


_PLACE = """
INSERT INTO shoot_card_assets (tenant_id, id, card_id, asset_id, place, known_at, bound_by)
SELECT :tenant, :id, :card, :asset, count(*) + 1, :known, :by FROM shoot_card_assets
WHERE tenant_id = :tenant AND card_id = :card HAVING count(*) < :most
RETURNING place
"""

_DOWN = """
WITH RECURSIVE down AS (
  SELECT a.id, 0 AS depth FROM assets a WHERE a.tenant_id = :tenant AND a.id = ANY(:origins)
  UNION SELECT p.asset_id, d.depth + 1 FROM down d
  JOIN asset_parents p ON p.tenant_id = :tenant AND p.parent_id = d.id WHERE d.depth < 20)
SELECT DISTINCT id FROM down
"""


def _list_asset_family(scope: Scope, origin: UUID) -> list[UUID]:
    """Return an asset and all its descendants."""
    return list(scope.run(_DOWN, tenant=scope.tenant_id, origins=[origin]).scalars())


_KNOWN = """
SELECT o.creator_id, least(o.created_at,
  (SELECT min(least(a.created_at, CASE WHEN a.source IN ('capture', 'publication') THEN a.made_at
  END))
   FROM renditions mine JOIN renditions other ON other.tenant_id = mine.tenant_id
     AND bit_count(CAST(other.look # mine.look AS bit(64))) <= :near
   JOIN assets a ON a.tenant_id = other.tenant_id AND a.id = other.asset_id AND a.id <> o.id
   WHERE mine.tenant_id = o.tenant_id AND mine.asset_id = o.id)) AS known_at
FROM assets o WHERE o.tenant_id = :tenant AND o.id = :asset
"""


@dataclass(frozen=True)
class _Seen:
    creator_id: UUID
    known_at: datetime


def _load_first_seen(scope: Scope, origin: UUID) -> _Seen:
    """Return the creator of a picture, and the earliest time at which it or a similar picture is
    known."""
    row = scope.run(_KNOWN, tenant=scope.tenant_id, asset=origin, near=NEAR_BITS).one()
    return _Seen(row.creator_id, row.known_at)


_BYTES = """
SELECT r.sha256 FROM renditions r WHERE r.tenant_id = :tenant AND r.asset_id = ANY(:assets)
"""


def bytes_of(scope: Scope, card_id: UUID) -> frozenset[str]:
    """Return the digests of everything on a card, including edits."""
    named = {"tenant": scope.tenant_id}
    origins = list(
        scope.run("SELECT asset_id FROM shoot_card_assets WHERE tenant_id = :tenant AND card_id = "
                  ":card",
                  **named, card=card_id).scalars()
    )  # fmt: skip
    family = list(scope.run(_DOWN, **named, origins=origins).scalars())
    return frozenset(scope.run(_BYTES, **named, assets=family).scalars())
