"""Unrecognizable bystanders: one member counts them in a picture and another one confirms the
count.

Bystanders have no record and need none; only people permanently blurred in the file count. The
count applies to General and Suggestive pictures only. Everyone in an adult picture needs proof of
age and consent, recognizable or not (`gate/decision/depiction_rules.py`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint

from foundation.db.database import OpenScope, Scope
from foundation.db.tables import FOREVER, TenantRow, table_arguments
from foundation.errors import BadInput, GreenroomError, NotFound
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate import epochs
from gate.assets.models import Asset
from gate.reviews import depicted_people
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices

MAX_BYSTANDERS = 20


class Bystanders(TenantRow, table=True):
    """The number of unrecognizable people in a picture: `proposed` until another member confirms
    it."""

    __tablename__ = "bystanders"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "asset_id", name="bystanders_once"),
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["assets.tenant_id", "assets.id"]),
        about="creator",
        keep=FOREVER,
    )
    asset_id: UUID
    proposed: int = 0
    proposed_by: str = ""
    confirmed: int = 0
    confirmed_by: str = ""


@dataclass(frozen=True)
class BystandersProposed:
    """A member counted the unrecognizable people in a picture, the subject."""

    kind: ClassVar[str] = "bystanders.say"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    count: int
    by: str


@dataclass(frozen=True)
class BystandersJudged:
    """Another member checked the count of a picture, the subject.

    `count` is 0 if someone is recognizable. `maker` uploaded the picture.
    """

    kind: ClassVar[str] = "bystanders.judge"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    count: int
    maker: str
    by: str


@dataclass(frozen=True)
class BystanderCount:
    """The counts of a picture: `proposed` awaits confirmation by another member, `confirmed` is in
    effect."""

    asset_id: UUID
    creator_id: UUID
    proposed: int
    proposed_by: str
    confirmed: int


def propose_bystanders(scope: Scope, asset_id: UUID, count: int) -> None:
    """Propose the number of unrecognizable people in a picture, as the acting member.

    A worker records it, and another member must confirm it. Raises Refused, NotFound, and BadInput
    for a count of 0 or above `MAX_BYSTANDERS`.
    """
    _may_say(scope, asset_id, count)
    event = BystandersProposed(scope.tenant_id, asset_id, count, scope.actor)
    outbox.put(scope, event, priority=0, dedupe=f"bystanders.say:{asset_id}:{count}")


def _may_say(scope: Scope, asset_id: UUID, count: int) -> None:
    require_right(queries.get_acting_member(scope, "review.people_only").role, Right.RUN)
    if scope.session.get(Asset, (scope.tenant_id, asset_id)) is None:
        raise NotFound("asset.unknown")
    if not 0 < count <= MAX_BYSTANDERS:
        raise BadInput("bystanders.count", most=MAX_BYSTANDERS)


def handle_bystanders_proposed(event: BystandersProposed, *, tenant: OpenScope) -> None:
    """Record a proposed count as the member who made it.

    A member who may no longer do so gets a notice.
    """
    try:
        with tenant(event.tenant_id, event.by) as scope:
            _may_say(scope, event.subject_id, event.count)
            _record_proposal(scope, event.subject_id, proposed=event.count, proposed_by=event.by)
            audit.record(scope, "bystanders.said", f"asset:{event.subject_id}", count=event.count)
    except GreenroomError as refused:
        _notify_refusal(event, refused, tenant=tenant)


_SAY = """
INSERT INTO bystanders (tenant_id, id, asset_id, proposed, proposed_by, confirmed, confirmed_by)
VALUES (:tenant, :id, :asset, :proposed, :proposed_by, 0, '')
ON CONFLICT (tenant_id, asset_id) DO UPDATE SET proposed = excluded.proposed, proposed_by =
excluded.proposed_by,
  updated_at = house_now()
"""


def _record_proposal(scope: Scope, asset_id: UUID, *, proposed: int, proposed_by: str) -> None:
    with scope.acting_as("gate"):
        scope.run(
            _SAY,
            tenant=scope.tenant_id,
            id=uuid7(),
            asset=asset_id,
            proposed=proposed,
            proposed_by=proposed_by,
        )


def confirm_bystanders(scope: Scope, asset_id: UUID, count: int, *, maker: str) -> None:
    """Confirm the proposed count for a picture as the acting member; 0 rejects it.

    A worker records the answer. Raises Refused for a member who may not review, uploaded the
    picture or proposed the count; NotFound if there is no proposal; BadInput if the proposed count
    differs.
    """
    _may_judge(scope, asset_id, count, maker)
    event = BystandersJudged(scope.tenant_id, asset_id, count, maker, scope.actor)
    outbox.put(scope, event, priority=1)


def _may_judge(scope: Scope, asset_id: UUID, count: int, maker: str) -> None:
    looker = queries.get_acting_member(scope, "review.people_only")
    require_right(looker.role, Right.REVIEW)
    waits = find_bystanders(scope, asset_id)
    if waits is None or not waits.proposed:
        raise NotFound("person.unnamed")
    if count not in (0, waits.proposed):
        raise BadInput("bystanders.changed")
    depicted_people.check_is_another_human(scope, looker, {maker, waits.proposed_by})


def handle_bystanders_judged(event: BystandersJudged, *, tenant: OpenScope) -> None:
    """Record an answer as the member who gave it.

    A member who may no longer do so gets a notice.
    """
    try:
        with tenant(event.tenant_id, event.by) as scope:
            epochs.lock_and_advance(
                scope, epochs.asset_key(scope, event.subject_id)
            )  # An answer of 0 withdraws a confirmed count.
            _may_judge(scope, event.subject_id, event.count, event.maker)
            _record_confirmation(scope, event.subject_id, event.count)
            audit.record(scope, "bystanders.judged", f"asset:{event.subject_id}", count=event.count)
    except GreenroomError as refused:
        _notify_refusal(event, refused, tenant=tenant)


def _record_confirmation(scope: Scope, asset_id: UUID, count: int) -> None:
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE bystanders SET confirmed = :count, confirmed_by = :by, proposed = 0, "
            "proposed_by = '',"
            " updated_at = house_now() WHERE tenant_id = :tenant AND asset_id = :asset",
            tenant=scope.tenant_id,
            asset=asset_id,
            count=count,
            by=scope.actor,
        )


def _notify_refusal(
    event: BystandersProposed | BystandersJudged, refused: GreenroomError, *, tenant: OpenScope
) -> None:
    with tenant(event.tenant_id, event.by) as scope:
        notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


_SAID = """
SELECT b.asset_id, a.creator_id, b.proposed, b.proposed_by, b.confirmed FROM bystanders b
JOIN assets a ON a.tenant_id = b.tenant_id AND a.id = b.asset_id
WHERE b.tenant_id = :tenant AND (CAST(:asset AS uuid) IS NULL OR b.asset_id = :asset)
  AND (CAST(:creators AS uuid[]) IS NULL OR (b.proposed > 0 AND a.creator_id = ANY(CAST(:creators
  AS uuid[]))))
ORDER BY b.asset_id LIMIT :limit
"""


def find_bystanders(scope: Scope, asset_id: UUID) -> BystanderCount | None:
    """Return the counts of a picture, or None if there are none."""
    return next(iter(_list_counts(scope, asset=asset_id, creators=None, limit=1)), None)


def list_pending_bystanders(
    scope: Scope, creators: Collection[UUID], *, limit: int = 24
) -> list[BystanderCount]:
    """Return the counts of these creators' pictures that await confirmation, oldest first."""
    return _list_counts(scope, asset=None, creators=list(creators), limit=limit)


def _list_counts(
    scope: Scope, *, asset: UUID | None, creators: list[UUID] | None, limit: int
) -> list[BystanderCount]:
    rows = scope.run(_SAID, tenant=scope.tenant_id, asset=asset, creators=creators, limit=limit)
    return [
        BystanderCount(row.asset_id, row.creator_id, row.proposed, row.proposed_by, row.confirmed)
        for row in rows
    ]
