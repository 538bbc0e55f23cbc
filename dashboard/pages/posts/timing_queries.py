"""Queries about the publishing time of a post: blockers, warnings and the first open slots."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from channels.accounts.queries import get_channel
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime
from schedules.availability import minimum_interval
from schedules.availability.minimum_interval import IntervalWarning
from schedules.availability.slots import find_first_free_time
from schedules.publishing import preflight
from schedules.rescheduling import queue


def list_blockers(scope: Scope, channels: Sequence[UUID], at: datetime) -> list[Message]:
    """Return the account problems that would block a post at a time, without duplicates. The post
    can be scheduled anyway."""
    found: list[Message] = []
    for channel_id in channels:
        said = preflight.troubles_of_account(scope, get_channel(scope, channel_id), at)
        found += [one for one in said if one not in found]
    return found


def find_first_slots(scope: Scope, channels: Sequence[UUID]) -> dict[UUID, WallTime]:
    """Return the first open slot of each account. Accounts without an open slot are omitted."""
    found = {one: find_first_free_time(scope, one) for one in channels}
    return {one: at for one, at in found.items() if at is not None}


def list_timing_warnings(
    scope: Scope, channels: Sequence[UUID], at: datetime
) -> list[IntervalWarning]:
    """Return the warnings about a time for each account."""
    found = (minimum_interval.find_interval_warning(scope, one, at) for one in channels)
    return [one for one in found if one is not None]


def find_timing_warning(
    scope: Scope, channel_id: UUID, delivery_id: UUID, due_at: datetime
) -> tuple[IntervalWarning | None, WallTime | None]:
    """Return the warning about the time of a delivery and the next open slot of its account. The
    slot is None if the delivery is already in the queue."""
    near = (
        minimum_interval.find_interval_warning(scope, channel_id, due_at, but=delivery_id)
        if due_at > scope.now
        else None
    )
    queued = any(
        one.delivery_id == delivery_id for one in queue.list_queue_entries(scope, channel_id)
    )
    return near, None if queued else find_first_free_time(scope, channel_id)
