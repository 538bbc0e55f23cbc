"""Changes to publish times. If the second approval covers the time, a new one is requested."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, load_zone, to_wall_time
from schedules.approvals.models import Approval, ApprovalLink
from schedules.posts.deliveries import (
    check_planning_horizon,
    draft_deadline,
    get_post,
    late_deadline,
    schedule_wakeups,
)
from schedules.posts.models import Delivery, Post
from schedules.posts.states import (
    RELEASED_BY_APPROVAL,
    SCHEDULABLE,
    DeliveryState,
)
from schedules.posts.transitions import (
    get_delivery,
    transition_delivery,
    update_delivery,
)
from tenants.agencies import queries
from tenants.agencies.queries import Creator


def reschedule_delivery(
    scope: Scope, delivery_id: UUID, *, at: WallTime, version: int | None = None
) -> None:
    """Change the publish time of a delivery.

    The approval stays valid unless the second one covers the time. A failed delivery, or one on
    hold, is scheduled again; it becomes a draft if an approval is missing. Raises BadInput for a
    time beyond the planning horizon or already too late; Conflict if it may be published, or if its
    version is not `version`.
    """
    row = _require_version(scope, delivery_id, version)
    check_planning_horizon(at.instant(), scope.now)
    late = late_deadline(get_post(scope, row.post_id), at.instant(), at.zone)
    if late is not None and late < scope.now:
        raise BadInput("delivery.time_passed")
    _apply_new_time(scope, row, at, at.instant())


def expedite_delivery(scope: Scope, delivery_id: UUID, *, version: int | None = None) -> None:
    """Publish a scheduled, held, failed or interrupted delivery now, ignoring the minimum interval.

    Its limit for a late post counts from now. If the second approval covers the time, the time and
    the limit stay, and Conflict is raised if now is outside them. For an interrupted thread the
    missing parts are published. Otherwise raises the same errors as `reschedule_delivery`.
    """
    row = _require_version(scope, delivery_id, version)
    if row.state not in SCHEDULABLE:
        raise Conflict("delivery.not_movable")
    if has_approved_time(scope, row):
        transition_delivery(
            scope,
            row,
            DeliveryState.SCHEDULED,
            not_before=scope.now,
            downtime_id=None,
            at_once=True,
        )
        schedule_wakeups(scope, row)
    else:
        _apply_new_time(scope, row, to_wall_time(scope.now, row.zone), scope.now, at_once=True)


def _require_version(scope: Scope, delivery_id: UUID, version: int | None) -> Delivery:
    row = get_delivery(scope, delivery_id)
    if version is not None and version != row.version:
        raise Conflict("delivery.moved_meanwhile")
    return row


def _apply_new_time(
    scope: Scope, row: Delivery, at: WallTime, due: datetime, *, at_once: bool = False
) -> None:
    asks = row.state != DeliveryState.BROKEN_OFF and reopen_time_approval(scope, row, due)
    lacks = (
        row.reason["code"] if row.state == DeliveryState.HELD and row.reason and not at_once else ""
    )
    owner = get_post(scope, row.post_id)
    late = (
        draft_deadline(scope, owner, due, at.zone)
        if asks or lacks in RELEASED_BY_APPROVAL or row.state == DeliveryState.DRAFT
        else late_deadline(owner, due, at.zone)
    )
    times: dict[str, Any] = dict(
        wall_time=str(at), zone=at.zone, due_at=due, late_until=late, at_once=at_once
    )
    times |= {"not_before": None, "downtime_id": None}
    if lacks in RELEASED_BY_APPROVAL:
        transition_delivery(scope, row, DeliveryState.DRAFT, reason=Message(lacks), **times)
    elif row.state == DeliveryState.DRAFT or (row.state == DeliveryState.APPROVED and not asks):
        update_delivery(scope, row, **times)
    elif row.state == DeliveryState.APPROVED or (asks and row.state in SCHEDULABLE):
        transition_delivery(
            scope, row, DeliveryState.DRAFT, reason=Message("approval.hour_changed"), **times
        )
    elif row.state in SCHEDULABLE:
        transition_delivery(
            scope,
            row,
            DeliveryState.PARTLY
            if row.state == DeliveryState.BROKEN_OFF
            else DeliveryState.SCHEDULED,
            **times,
        )
    else:
        raise Conflict("delivery.not_movable")
    schedule_wakeups(scope, row)


TIER = 2


def needs_time_approval(creator: Creator) -> bool:
    """Return True if the second approval of a creator's posts covers the publish time; pure."""
    return creator.approval_tiers >= TIER and creator.approve_times


def has_approved_time(scope: Scope, row: Delivery) -> bool:
    """Return True if a delivery that is published now keeps its approved time.

    Returns False if no approval covers the time, and for an interrupted thread. Raises Conflict if
    now is not between the approved time and its limit for a late post.
    """
    if row.state == DeliveryState.BROKEN_OFF or not needs_time_approval(
        queries.get_creator(scope, row.creator_id)
    ):
        return False
    if row.due_at <= scope.now and (row.late_until is None or scope.now <= row.late_until):
        return True
    raise Conflict(
        "delivery.hour_agreed", at=f"{row.due_at.astimezone(load_zone(row.zone)):%d/%m %H:%M}"
    )


def reopen_time_approval(scope: Scope, row: Delivery, due: datetime) -> bool:
    """Withdraw second approvals because a delivery gets another time; return True if that was
    needed.

    Ends an unanswered client link of the post. `due` is UTC-aware.
    """
    if due == row.due_at or not needs_time_approval(queries.get_creator(scope, row.creator_id)):
        return False
    own = select(Delivery.id).where(Delivery.tenant_id == scope.tenant_id, Delivery.id == row.id)
    # Before the link, as in an answer by that link: another order could deadlock.
    scope.session.exec(own.with_for_update()).all()
    _take_back(scope, row)
    links = scope.session.exec(
        select(ApprovalLink).where(
            ApprovalLink.tenant_id == scope.tenant_id,
            ApprovalLink.post_id == row.post_id,
            ApprovalLink.ended == "",
        )
    )
    for link in links:
        link.ended = "moved"
        link.ended_at = scope.now
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
    last = {
        word.principal_id: word
        for word in words
        if owner is not None and word.digest == owner.digest
    }
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
