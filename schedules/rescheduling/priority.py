"""What may be changed of a planned post while its words, its time and every yes to it stand: how
important it is among what leaves an account at once, and how late it may still leave."""

from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict
from schedules.availability import enforced_interval
from schedules.notices import interval_waits
from schedules.posts import deliveries, lateness
from schedules.posts.deliveries import LOWEST_POST_PRIORITY
from schedules.posts.lateness import LateLimit
from schedules.posts.states import SCHEDULABLE, DeliveryState
from schedules.posts.transitions import get_delivery, update_delivery

ADJUSTABLE_STATES = frozenset({DeliveryState.DRAFT, DeliveryState.APPROVED, *SCHEDULABLE})
"""States in which nothing of it is outside, or on its way."""


def set_priority(scope: Scope, delivery_id: UUID, priority: int, *, version: int) -> None:
    """From here on a delivery is as important as this, 1 (leaves first) to 9; its time, and every
    yes to it, stand.

    Raises BadInput for another number, NotFound; Conflict for one that may be outside, or was
    changed since `version`.
    """
    if not 1 <= priority <= LOWEST_POST_PRIORITY:
        raise BadInput("delivery.importance_wrong", most=LOWEST_POST_PRIORITY)
    row = get_delivery(scope, delivery_id)
    if row.version != version:
        raise Conflict("delivery.moved_meanwhile")
    if row.state not in ADJUSTABLE_STATES:
        raise Conflict("delivery.not_movable")
    update_delivery(scope, row, priority=priority)
    if enforced_interval.is_waiting_for_interval(row):  # its turn is another one now
        interval_waits.recheck_interval_holds(scope, row.channel_id)
    elif (
        row.state == DeliveryState.SCHEDULED
    ):  # its place among what is due is written in the row that wakes it
        deliveries.schedule_wakeups(scope, row, at=max(row.due_at, row.not_before or row.due_at))


def set_late_limit(scope: Scope, post_id: UUID, choice: LateLimit, *, version: int) -> None:
    """From here on a post may leave so late, on every account and at every time it has or gets.

    What is on hold stays so: a person decides on it. Raises NotFound, and Conflict for one that was
    changed since `version`, or of which nothing is to leave any more; one that goes nowhere yet
    may.
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
        update_delivery(
            scope, row, late_until=deliveries.late_deadline(owner, row.due_at, row.zone)
        )
