"""Deliveries by account and local day: published, failed and late."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from foundation.db.database import Scope
from schedules.posts.states import DeliveryState

LATE_SECONDS = 60
"""Delay from which a published post counts as late."""

FAILED_STATES = frozenset({DeliveryState.FAILED, DeliveryState.UNCERTAIN, DeliveryState.BROKEN_OFF})
"""States of posts that were due and are not known to be published."""


@dataclass(frozen=True)
class DeliveryCounts:
    """Deliveries of an account that were due on a local day."""

    channel_id: UUID
    day: date
    published: int
    failed: int
    late: int


_COUNTS = """
SELECT channel_id, CAST(due_at AT TIME ZONE :zone AS date) AS day,
  count(*) FILTER (WHERE state = :published) AS published,
  count(*) FILTER (WHERE state = ANY(CAST(:failed AS text[]))) AS failed,
  count(*) FILTER (WHERE state = :published
    AND settled_at > due_at + make_interval(secs => :late)) AS late
FROM deliveries WHERE tenant_id = :tenant AND creator_id = :creator AND due_at >= :since
  AND due_at < :until AND NOT dry_run
  AND (state = :published OR state = ANY(CAST(:failed AS text[])))
GROUP BY 1, 2 ORDER BY 2, 1
"""


def count_deliveries_by_day(
    scope: Scope, creator_id: UUID, since: datetime, until: datetime, *, zone: str
) -> list[DeliveryCounts]:
    """Return the published and failed deliveries of a creator that were due in [since, until), by
    account and local day in the IANA time zone `zone`, oldest first."""
    rows = scope.run(
        _COUNTS,
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        until=until,
        zone=zone,
        published=str(DeliveryState.PUBLISHED),
        failed=[str(state) for state in FAILED_STATES],
        late=LATE_SECONDS,
    )
    return [
        DeliveryCounts(row.channel_id, row.day, row.published, row.failed, row.late) for row in rows
    ]
