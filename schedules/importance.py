"""How important a post is among what leaves an account at once, changed after it was planned."""

from uuid import UUID

from foundation.database import Scope
from foundation.errors import BadInput, Conflict
from schedules import planning
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
    if row.state == S.SCHEDULED:  # its place among what is due is written in the row that wakes it
        planning.wake(scope, row, at=max(row.due_at, row.not_before or row.due_at))
