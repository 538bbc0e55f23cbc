"""Daily rollups. Each day is rebuilt completely from its source rows, so late or repeated events do
no harm."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.ops.wall_time import day_bounds, local_day
from foundation.outbox import outbox
from foundation.outbox.heartbeat import heartbeat
from insights.analysis import ab_test_verdicts, timing
from insights.metrics.events import RollupDue
from insights.rollups import creator_facts, metric_rollups, verification
from insights.rollups.events import SaleRecorded
from insights.rollups.models import SalesDay
from schedules.posts import queries
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import NEEDS_DECISION, DeliveryState
from subscribers.conversations.queries import count_chat_activity
from subscribers.ledger import entries
from subscribers.orders.queries import bookings_of_sale
from tenants.agencies.queries import get_creator

ROLLING = "system:rollups"

MAX_CHANGED_POSTS = 2_000
"""Posts with new readings that one event handles; another event continues."""

WAITING = frozenset(
    {
        DeliveryState.DRAFT,
        DeliveryState.APPROVED,
        DeliveryState.SCHEDULED,
        DeliveryState.PUBLISHING,
        DeliveryState.PROCESSING,
    }
)
"""States of posts whose result is pending and that need no decision."""


def roll_up_day(event: RollupDue, *, tenant: OpenScope, most: int = MAX_CHANGED_POSTS) -> None:
    """Rebuild a day of a creator, notify members of A/B tests that its readings completed, and move
    automatic slots to the hours that its readings suggest. Another event continues after `most`
    posts with new readings."""
    with heartbeat() as pulse:
        changed = metric_rollups.roll_up_pending_changes(
            event.tenant_id, ROLLING, tenant=tenant, most=most
        )
        pulse.check_lease()
        with tenant(event.tenant_id, ROLLING) as scope:
            verification.apply_time_zone(scope, event.subject_id)
            _schedule_booked_days(scope, event)
            _rebuild_rows(scope, event.subject_id, event.day)
            if changed >= most:
                outbox.put(scope, event)  # continues with the posts that are left
        pulse.check_lease()
        with tenant(event.tenant_id, ROLLING) as scope:
            verification.verify_daily(scope, event.subject_id)
        pulse.check_lease()
        with tenant(
            event.tenant_id, ROLLING
        ) as scope:  # a separate transaction, so that an error there does not roll back the rollup
            ab_test_verdicts.notify_finished_tests(scope, event.subject_id)
        with tenant(event.tenant_id, ROLLING) as scope:
            timing.move_automatic_slots(scope, event.subject_id)


def take_booked_days(scope: Scope, creator_id: UUID) -> set[date]:
    """Return the local days of the transactions that were booked since the last call, for example
    by the import of a statement."""
    zone = get_creator(scope, creator_id).zone
    rows = scope.run(
        "DELETE FROM ledger_changes WHERE tenant_id = :tenant AND creator_id = :creator"
        " RETURNING occurred_at",
        tenant=scope.tenant_id,
        creator=creator_id,
    )
    return {local_day(at, zone) for at in rows.scalars()}


def _schedule_booked_days(scope: Scope, event: RollupDue) -> None:
    for day in sorted(take_booked_days(scope, event.subject_id) - {event.day}):
        # Without a deduplication key: a running rollup may have read the day without the bookings.
        outbox.put(scope, RollupDue(scope.tenant_id, event.subject_id, day))


def roll_up_days_of_sale(event: SaleRecorded, *, tenant: OpenScope) -> None:
    """Rebuild the day of a sale or refund and all other days on which it is booked."""
    with tenant(event.tenant_id, ROLLING) as scope:
        creator_id, times = bookings_of_sale(scope, event.subject_id)
        zone = get_creator(scope, creator_id).zone
        for day in sorted({local_day(at, zone) for at in (scope.now, *times)}):
            _rebuild_rows(scope, creator_id, day)


def rebuild_day(scope: Scope, creator_id: UUID, day: date) -> None:
    """Rebuild the rows of a local day of a creator, with the readings that were stored until now.
    Idempotent."""
    metric_rollups.roll_up_changes(scope)
    _rebuild_rows(scope, creator_id, day)


def _rebuild_rows(scope: Scope, creator_id: UUID, day: date) -> None:
    """Rebuild a day without new readings, whose rollups need a transaction of their own: both lock
    the rows of several days."""
    zone = get_creator(scope, creator_id).zone
    start, end = day_bounds(day, zone)
    scope.lock(
        f"rollup:{scope.tenant_id}:{creator_id}:{day}"
    )  # concurrent rebuilds would insert the rows twice
    _rebuild_sales(scope, creator_id, day, start, end)
    _rebuild_work(scope, creator_id, day, start, end)
    creator_facts.rebuild_facts(scope, creator_id, day, day)


def _rebuild_sales(
    scope: Scope, creator_id: UUID, day: date, start: datetime, end: datetime
) -> None:
    scope.run(
        "DELETE FROM sales_daily WHERE tenant_id = :tenant AND creator_id = :creator"
        " AND day = :day",
        tenant=scope.tenant_id,
        creator=creator_id,
        day=day,
    )
    rows = [
        SalesDay(
            tenant_id=scope.tenant_id,
            id=uuid7(),
            creator_id=creator_id,
            day=day,
            currency=total.currency,
            orders=total.orders,
            gross_minor=total.gross_minor,
            refunds_minor=total.refunds_minor,
            creator_minor=total.creator_minor,
            agency_minor=total.agency_minor,
            staff_minor=total.staff_minor,
            others_minor=total.others_minor,
            fees_minor=total.fees_minor,
        )
        for total in entries.creator_totals(scope, creator_id, start, end)
    ]
    scope.add(*rows)


# Views and interactions are kept: a rollup of readings may change them at this moment.
_KEEP_WORK = """
INSERT INTO creator_daily (tenant_id, id, creator_id, day, published, waiting, troubled,
  lateness_p95_ms, views, interactions, messages_in, messages_out, new_fans)
VALUES (:tenant, :id, :creator, :day, :published, :waiting, :troubled, :lateness, 0, 0,
  :messages_in, :messages_out, :new_fans)
ON CONFLICT (tenant_id, creator_id, day) DO UPDATE SET published = EXCLUDED.published,
  waiting = EXCLUDED.waiting, troubled = EXCLUDED.troubled,
  lateness_p95_ms = EXCLUDED.lateness_p95_ms, messages_in = EXCLUDED.messages_in,
  messages_out = EXCLUDED.messages_out, new_fans = EXCLUDED.new_fans, updated_at = house_now()
"""


def _rebuild_work(
    scope: Scope, creator_id: UUID, day: date, start: datetime, end: datetime
) -> None:
    entries = queries.entries_between(scope, creator_id, start, end)
    chat = count_chat_activity(scope, creator_id, start, end)
    published = [entry for entry in entries if entry.state is DeliveryState.PUBLISHED]
    scope.run(
        _KEEP_WORK,
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=creator_id,
        day=day,
        published=len(published),
        waiting=sum(entry.state in WAITING for entry in entries),
        troubled=sum(entry.state in NEEDS_DECISION for entry in entries),
        lateness=lateness_percentile(published),
        messages_in=chat.messages_in,
        messages_out=chat.messages_out,
        new_fans=chat.new_fans,
    )
    metric_rollups.update_creator_days(scope, creator_id, [day])


def lateness_percentile(entries: Sequence[DeliveryEntry]) -> int | None:
    """Return the 95th percentile (nearest rank) of the milliseconds from scheduled time to
    publication, or None without posts."""
    late = sorted(
        (entry.settled_at - entry.due_at) // timedelta(milliseconds=1)
        for entry in entries
        if entry.settled_at is not None
    )
    # Ceiling division gives the nearest rank.
    return late[-(-len(late) * 95 // 100) - 1] if late else None
