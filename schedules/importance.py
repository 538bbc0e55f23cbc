"""What may be changed of a planned post while its words, its time and every yes to it stand: how important it is among
what leaves an account at once, and how late it may still leave."""

from uuid import UUID

from foundation.database import Scope
from foundation.errors import BadInput, Conflict
from schedules import distance, lateness, planning, waiting_apart
from schedules.lateness import Late
from schedules.moving import change, delivery
from schedules.planning import LAST_PRIORITY
from schedules.states import PLANNABLE, DeliveryState

S = DeliveryState

CHANGEABLE = frozenset({S.DRAFT, S.APPROVED, *PLANNABLE})
"""States in which nothing of it is outside, or on its way."""


def set_importance(scope: Scope, delivery_id: UUID, priority: int, *, version: int) -> None:
    """From here on a delivery is as important as this, 1 (leaves first) to 9; its time, and every yes to it, stand.

    Raises BadInput for another number, NotFound; Conflict for one that may be outside, or was changed since `version`.
    """
    if not 1 <= priority <= LAST_PRIORITY:
        raise BadInput("delivery.importance_wrong", most=LAST_PRIORITY)
    row = delivery(scope, delivery_id)
    if row.version != version:
        raise Conflict("delivery.moved_meanwhile")
    if row.state not in CHANGEABLE:
        raise Conflict("delivery.not_movable")
    change(scope, row, priority=priority)
    if distance.is_kept(row):  # its turn is another one now
        waiting_apart.again(scope, row.channel_id)
    elif row.state == S.SCHEDULED:  # its place among what is due is written in the row that wakes it
        planning.wake(scope, row, at=max(row.due_at, row.not_before or row.due_at))


def set_lateness(scope: Scope, post_id: UUID, choice: Late, *, version: int) -> None:
    """From here on a post may leave so late, on every account and at every time it has or gets.

    What is on hold stays so: a person decides on it. Raises NotFound, and Conflict for one that was changed since
    `version`, or of which nothing is to leave any more; one that goes nowhere yet may.
    """
    owner = planning.post(scope, post_id)
    scope.session.refresh(owner, with_for_update={"key_share": True})
    if owner.version != version:
        raise Conflict("post.changed_meanwhile")
    known = planning.deliveries_of(scope, post_id, lock=True)
    rows = [row for row in known if row.state in CHANGEABLE]
    if known and not rows:
        raise Conflict("delivery.not_movable")
    owner.late_ok, owner.until_midnight = lateness.span(choice), choice is Late.DAY
    owner.version += 1
    scope.add(owner)
    for row in rows:
        change(scope, row, late_until=planning.late_until(owner, row.due_at, row.zone))
