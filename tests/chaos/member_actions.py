"""Members who act during the storm: they reschedule, cancel, expedite and remove posts."""

import random
from collections.abc import Callable, Mapping
from datetime import UTC, timedelta
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from foundation.db.database import Scope
from foundation.errors import GreenroomError
from foundation.ops.wall_time import WallTime
from schedules.approvals.time_changes import expedite_delivery, reschedule_delivery
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.publishing import post_removal, uncertain_deliveries
from tenants.agencies import queries as tenant_reads
from tests.chaos.world import Intent, World

EACH = 6
"""Actions at a time; some are refused, as expected."""

LATER = timedelta(seconds=40)


def _later(scope: Scope, delivery_id: UUID) -> None:
    at = (scope.now + LATER).astimezone(UTC)
    reschedule_delivery(scope, delivery_id, at=WallTime(at.date(), at.time(), "UTC"))


def _cancel(scope: Scope, delivery_id: UUID) -> None:
    """Cancel a delivery, or close it if it is uncertain."""
    if get_delivery(scope, delivery_id).state == DeliveryState.UNCERTAIN:
        uncertain_deliveries.close_uncertain_delivery(
            scope, delivery_id, member_id=tenant_reads.list_members(scope)[0].id
        )
    else:
        deliveries.cancel_delivery(scope, delivery_id)


WISHES: Mapping[str, Callable[[Scope, UUID], object]] = {
    "later": _later,
    "now": expedite_delivery,
    "cancel": _cancel,
    "remove": post_removal.request_post_removal,
}


class MemberActions:
    """The members of both agencies. Each action is reported; its result is unknown if the
    connection was lost."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, number: str) -> str:
        """Perform the actions drawn from the number and return their results."""
        drawn = random.Random(number)
        return ", ".join(
            self._wish(drawn.choice(self._world.intents), drawn.choice(sorted(WISHES)))
            for _ in range(EACH)
        )

    def _wish(self, intent: Intent, what: str) -> str:
        self._world.touched.add(intent.delivery_id)
        try:
            with self._world.house.scope(intent.place.tenant_id) as scope:
                WISHES[what](scope, intent.delivery_id)
        except GreenroomError as refused:
            return f"{what} {intent.delivery_id}: {refused.message.code}"
        except (DBAPIError, PoolTimeout) as away:
            return f"{what} {intent.delivery_id}: {type(away).__name__}"
        return f"{what} {intent.delivery_id}"
