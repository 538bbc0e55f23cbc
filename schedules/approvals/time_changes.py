"""Another hour for what the second of two said yes to: where their yes is for the hour too, they are asked again."""

from datetime import datetime

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import Conflict
from foundation.ops.wall_time import load_zone
from schedules.posts.models import Approval, ApprovalLink, Delivery, Post
from schedules.posts.states import DeliveryState
from tenants.agencies import queries as tenant_reads
from tenants.agencies.queries import Creator

TIER = 2


def needs_time_approval(creator: Creator) -> bool:
    """Whether the second yes to a creator's posts is for their hours too; pure."""
    return creator.approval_tiers >= TIER and creator.approve_times


def has_approved_time(scope: Scope, row: Delivery) -> bool:
    """Whether a delivery that somebody wants out now leaves at the hour that was agreed to, as late as that may be.

    False where no yes is for the hour, and of what stands in part: its hour was kept. Raises Conflict where now is
    another hour than the agreed one.
    """
    if row.state == DeliveryState.BROKEN_OFF or not needs_time_approval(
        tenant_reads.get_creator(scope, row.creator_id)
    ):
        return False
    if row.due_at <= scope.now and (row.late_until is None or scope.now <= row.late_until):
        return True
    raise Conflict("delivery.hour_agreed", at=f"{row.due_at.astimezone(load_zone(row.zone)):%d/%m %H:%M}")


def reopen_time_approval(scope: Scope, row: Delivery, due: datetime) -> bool:
    """Whether a delivery that gets another hour waits for the second yes again; then nobody's second yes to its post
    stands any more, and a link that was not answered is over. `due` is UTC-aware."""
    if due == row.due_at or not needs_time_approval(tenant_reads.get_creator(scope, row.creator_id)):
        return False
    own = select(Delivery.id).where(Delivery.tenant_id == scope.tenant_id, Delivery.id == row.id)
    scope.session.exec(own.with_for_update()).all()  # before the link, as whoever answers by it
    _take_back(scope, row)
    links = scope.session.exec(
        select(ApprovalLink).where(
            ApprovalLink.tenant_id == scope.tenant_id,
            ApprovalLink.post_id == row.post_id,
            ApprovalLink.ended == "",
        )
    )
    for link in links:
        link.ended, link.ended_at = "moved", scope.now
        scope.add(link)
    return True


def _take_back(scope: Scope, row: Delivery) -> None:
    owner = scope.session.get(Post, (scope.tenant_id, row.post_id))
    words = scope.session.exec(
        select(Approval)
        .where(
            Approval.tenant_id == scope.tenant_id,
            Approval.post_id == row.post_id,
            Approval.tier == TIER,
            col(Approval.expires_at) > scope.now,
        )
        .order_by(col(Approval.created_at), col(Approval.id))
        .execution_options(populate_existing=True)
    ).all()
    last = {word.principal_id: word for word in words if owner is not None and word.digest == owner.digest}
    for word in last.values():
        if word.verdict == "yes":
            scope.add(_taken_back(word))


def _taken_back(word: Approval) -> Approval:
    return Approval(
        tenant_id=word.tenant_id,
        creator_id=word.creator_id,
        post_id=word.post_id,
        digest=word.digest,
        tier=word.tier,
        principal_id=word.principal_id,
        verdict="withdrawn",
        note="",
        expires_at=word.expires_at,
    )
