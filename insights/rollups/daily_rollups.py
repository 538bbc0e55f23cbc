"""Daily rollups. Each day is rebuilt completely from its source rows, so late or repeated events do
no harm."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.ops.wall_time import day_bounds, local_day
from foundation.outbox import outbox
from insights.analysis import ab_test_verdicts
from insights.metrics.events import RollupDue
from insights.rollups import creator_facts, metric_rollups, verification
from insights.rollups.events import SaleRecorded
from insights.rollups.models import CreatorDay, SalesDay
from schedules.posts import queries
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import NEEDS_DECISION, DeliveryState
from subscribers.conversations.queries import count_chat_activity
from subscribers.ledger import entries
from subscribers.orders.queries import bookings_of_sale
from tenants.agencies.queries import get_creator

ROLLING = "system:rollups"

MAX_CHANGED_POSTS = 20_000
"""Posts with new readings that one event handles; the next event continues."""

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


def roll_up_day(event: RollupDue, *, tenant: OpenScope) -> None:
    """Rebuild a day of a creator and notify members of A/B tests that its readings completed."""
    metric_rollups.roll_up_pending_changes(
        event.tenant_id, ROLLING, tenant=tenant, most=MAX_CHANGED_POSTS
    )
    with tenant(event.tenant_id, ROLLING) as scope:
        verification.apply_time_zone(scope, event.subject_id)
        _schedule_booked_days(scope, event)
        rebuild_day(scope, event.subject_id, event.day)
    with tenant(event.tenant_id, ROLLING) as scope:
        verification.verify_daily(scope, event.subject_id)
    with tenant(
        event.tenant_id, ROLLING
    ) as scope:  # a separate transaction, so that an error there does not roll back the rollup
        ab_test_verdicts.notify_finished_tests(scope, event.subject_id)


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
        due = RollupDue(scope.tenant_id, event.subject_id, day)
        outbox.put(scope, due, dedupe=f"rollup:{event.subject_id}:{day}")


def roll_up_days_of_sale(event: SaleRecorded, *, tenant: OpenScope) -> None:
    """Rebuild the day of a sale or refund and all other days on which it is booked."""
    with tenant(event.tenant_id, ROLLING) as scope:
        creator_id, times = bookings_of_sale(scope, event.subject_id)
        zone = get_creator(scope, creator_id).zone
        for day in sorted({local_day(at, zone) for at in (scope.now, *times)}):
            rebuild_day(scope, creator_id, day)


def rebuild_day(scope: Scope, creator_id: UUID, day: date) -> None:
    """Rebuild the rows of a local day of a creator. Idempotent."""
    zone = get_creator(scope, creator_id).zone
    start, end = day_bounds(day, zone)
    metric_rollups.roll_up_changes(scope)
    scope.lock(
        f"rollup:{scope.tenant_id}:{creator_id}:{day}"
    )  # concurrent rebuilds would insert the rows twice
    _rebuild_sales(scope, creator_id, day, start, end)
    _rebuild_work(scope, creator_id, day, start, end)
    creator_facts.rebuild_facts(scope, creator_id, day, day)


def _rebuild_sales(
    scope: Scope, creator_id: UUID, day: date, start: datetime, end: datetime
) -> None:
    _delete_day_rollup(scope, "sales_daily", creator_id, day)
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


def _rebuild_work(
    scope: Scope, creator_id: UUID, day: date, start: datetime, end: datetime
) -> None:
    _delete_day_rollup(scope, "creator_daily", creator_id, day)
    entries = queries.entries_between(scope, creator_id, start, end)
    chat = count_chat_activity(scope, creator_id, start, end)
    published = [entry for entry in entries if entry.state is DeliveryState.PUBLISHED]
    scope.add(
        CreatorDay(
            tenant_id=scope.tenant_id,
            creator_id=creator_id,
            day=day,
            published=len(published),
            waiting=sum(entry.state in WAITING for entry in entries),
            troubled=sum(entry.state in NEEDS_DECISION for entry in entries),
            lateness_p95_ms=lateness_percentile(published),
            views=0,
            interactions=0,
            messages_in=chat.messages_in,
            messages_out=chat.messages_out,
            new_fans=chat.new_fans,
        )
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


def _delete_day_rollup(scope: Scope, name: str, creator_id: UUID, day: date) -> None:
    scope.run(
        f"DELETE FROM {name} WHERE tenant_id = :tenant"  # noqa: S608  our own names
        " AND creator_id = :creator AND day = :day",
        tenant=scope.tenant_id,
        creator=creator_id,
        day=day,
    )
