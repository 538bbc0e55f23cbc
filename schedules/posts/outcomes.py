"""How many deliveries of each account were published, published late, or failed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from foundation.db.database import Scope
from schedules.posts.states import DeliveryState

LATE_AFTER = timedelta(minutes=1)
"""Time after its due time from which a published delivery is late."""

_FAILED = (DeliveryState.FAILED, DeliveryState.UNCERTAIN, DeliveryState.BROKEN_OFF)


@dataclass(frozen=True)
class DeliveryOutcomes:
    """Deliveries of an account by outcome. `late` ones are published; `failed` ones could not be
    published or confirmed."""

    published: int
    late: int
    failed: int


def count_outcomes(
    scope: Scope, creators: Collection[UUID], start: datetime, end: datetime
) -> dict[UUID, DeliveryOutcomes]:
    """Return the outcomes of the deliveries of these creators due in [start, end), by account,
    without dry runs. Accounts without any are absent."""
    rows = scope.run(
        "SELECT channel_id, count(*) FILTER (WHERE state = :published) AS published,"
        " count(*) FILTER (WHERE state = :published AND settled_at > due_at + :late) AS late,"
        " count(*) FILTER (WHERE state = ANY(:failed)) AS failed FROM deliveries"
        " WHERE tenant_id = :tenant AND creator_id = ANY(CAST(:creators AS uuid[]))"
        " AND due_at >= :start AND due_at < :end AND NOT dry_run GROUP BY channel_id",
        tenant=scope.tenant_id,
        creators=list(creators),
        start=start,
        end=end,
        late=LATE_AFTER,
        published=str(DeliveryState.PUBLISHED),
        failed=[str(one) for one in _FAILED],
    )
    return {
        row.channel_id: DeliveryOutcomes(row.published, row.late, row.failed)
        for row in rows
        if row.published or row.failed
    }
