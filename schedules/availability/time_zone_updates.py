"""Recompute due times after a release of the time zone database: local times stay, instants
change."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ops import telemetry
from foundation.ops.clock import tz_data_version
from foundation.ops.wall_time import parse_wall_time
from schedules.posts.deliveries import schedule_wakeups
from schedules.posts.models import Delivery
from schedules.posts.states import PENDING_STATES
from schedules.posts.transitions import update_delivery
from tenants.notices import notices

_TO_COME = sorted(map(str, PENDING_STATES))

log = telemetry.get_logger("schedules.availability.time_zone_updates")

LISTED = 10
"""Maximum number of posts named in a notice; all are counted."""


def recompute_due_times(scope: Scope) -> int:
    """Recompute the due times of all pending deliveries from their local times; return the number
    changed.

    Idempotent. Members receive one notice per creator and release of the time zone rules. Local
    times do not change, including those of deliveries that were moved individually.
    """
    stale = [
        row.id
        for row in _list_upcoming_deliveries(scope)
        if _recomputed_due_time(row) != row.due_at
    ]
    moved = [row for row in _lock_deliveries(scope, stale) if _update_due_time(scope, row)]
    for creator_id in sorted({row.creator_id for row in moved}):
        _notify_moved_deliveries(
            scope, creator_id, [row for row in moved if row.creator_id == creator_id]
        )
    return len(moved)


def _recomputed_due_time(row: Delivery) -> datetime:
    """Return the instant of the local time, or the stored one if its zone is no longer known."""
    try:
        return parse_wall_time(row.wall_time, row.zone).instant()
    except BadInput as error:
        log.error("clocks.no_zone", delivery=str(row.id), error=telemetry.describe_error(error))
        return row.due_at


def _list_upcoming_deliveries(scope: Scope) -> Sequence[Delivery]:
    return scope.session.exec(
        select(Delivery)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.state).in_(_TO_COME),
            col(Delivery.due_at) > scope.now,
        )
        .execution_options(populate_existing=True)
    ).all()


def _lock_deliveries(scope: Scope, ids: Sequence[UUID]) -> Sequence[Delivery]:
    if not ids:
        return []
    return scope.session.exec(
        select(Delivery)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.id).in_(ids),
            col(Delivery.state).in_(_TO_COME),
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _update_due_time(scope: Scope, row: Delivery) -> bool:
    due = _recomputed_due_time(row)
    if due == row.due_at:  # changed by another transaction between the read and the lock
        return False
    late = row.late_until + (due - row.due_at) if row.late_until is not None else None
    update_delivery(scope, row, due_at=due, late_until=late)
    schedule_wakeups(scope, row)
    return True


def _notify_moved_deliveries(scope: Scope, creator_id: UUID, moved: Sequence[Delivery]) -> None:
    names = queries.channel_names(scope)
    listed = ", ".join(
        f"{names.get(row.channel_id, '?')} {row.wall_time.replace('T', ' ')}"
        for row in moved[:LISTED]
    )
    told = Message(
        "clocks.moved", {"release": tz_data_version(), "count": len(moved), "posts": listed}
    )
    notices.put(
        scope,
        told,
        cause=f"clocks:{tz_data_version()}:{creator_id}",
        urgent=True,
        creator_id=creator_id,
    )
