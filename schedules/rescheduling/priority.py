"""Priority and late limit of a planned post; changing them affects neither its text nor its time
nor its approvals."""

from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict
from schedules.approvals.verdicts import is_held_for_approval
from schedules.availability import enforced_interval
from schedules.notices import interval_waits
from schedules.posts import deliveries, lateness
from schedules.posts.deliveries import LOWEST_POST_PRIORITY
from schedules.posts.lateness import LateLimit
from schedules.posts.states import SCHEDULABLE, DeliveryState
from schedules.posts.transitions import get_delivery, update_delivery

ADJUSTABLE_STATES = frozenset({DeliveryState.DRAFT, DeliveryState.APPROVED, *SCHEDULABLE})
"""States in which a delivery is neither live nor being published."""


def set_priority(scope: Scope, delivery_id: UUID, priority: int, *, version: int) -> None:
    """Set the priority of a delivery from 1 (first) to `LOWEST_POST_PRIORITY`.

    Its time and approvals remain valid. Raises BadInput for another number, NotFound, and Conflict
    if the delivery may be live or changed since `version`.
    """
    if not 1 <= priority <= LOWEST_POST_PRIORITY:
        raise BadInput("delivery.importance_wrong", most=LOWEST_POST_PRIORITY)
    row = get_delivery(scope, delivery_id)
    if row.version != version:
        raise Conflict("delivery.moved_meanwhile")
    if row.state not in ADJUSTABLE_STATES:
        raise Conflict("delivery.not_movable")
    update_delivery(scope, row, priority=priority)
    if enforced_interval.is_waiting_for_interval(row):  # its turn may change
        interval_waits.recheck_interval_holds(scope, row.channel_id)
    # The wake-up event stores the priority among due deliveries.
    elif row.state == DeliveryState.SCHEDULED:
        deliveries.schedule_wakeups(scope, row, at=max(row.due_at, row.not_before or row.due_at))


def set_late_limit(scope: Scope, post_id: UUID, choice: LateLimit, *, version: int) -> None:
    """Set the late limit of a post for all its current and future deliveries.

    Deliveries on hold stay on hold. Raises NotFound, and Conflict if the post changed since
    `version` or all its deliveries are final; a post without deliveries is allowed.
    """
    owner = deliveries.get_post(scope, post_id)
    scope.session.refresh(owner, with_for_update={"key_share": True})
    if owner.version != version:
        raise Conflict("post.changed_meanwhile")
    known = deliveries.deliveries_of_post(scope, post_id, lock=True)
    rows = [row for row in known if row.state in ADJUSTABLE_STATES]
    if known and not rows:
        raise Conflict("delivery.not_movable")
    owner.late_ok = lateness.late_span(choice)
    owner.until_midnight = choice is LateLimit.DAY
    owner.version += 1
    scope.add(owner)
    for row in rows:
        waits = row.state == DeliveryState.DRAFT or is_held_for_approval(row)
        late = (
            deliveries.draft_deadline(scope, owner, row.due_at, row.zone)
            if waits
            else deliveries.late_deadline(owner, row.due_at, row.zone)
        )
        update_delivery(scope, row, late_until=late)
