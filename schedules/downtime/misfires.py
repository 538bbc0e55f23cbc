"""Misfires of series: after a downtime only the newest missed occurrence is published."""

import re

from sqlalchemy import exists
from sqlmodel import select

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops.wall_time import parse_wall_time
from schedules.posts.deliveries import drop_delivery
from schedules.posts.models import Delivery
from schedules.posts.states import PENDING_STATES, DeliveryState
from tenants.notices import notices

# Suffix of occurrence keys of reposts and of deliveries that returned to their account.
_AGAIN = re.compile(r"\.?again-\d+$")


def original_occurrence_key(key: str) -> str:
    """Return the key of the occurrence that a repost or replacement derives from."""
    return _AGAIN.sub("", key)


def is_regular_occurrence(row: Delivery) -> bool:
    """Return True if a delivery has the time of its series, not an individual one."""
    return (
        row.series_id is not None
        and original_occurrence_key(row.occurrence_key).partition("~")[0] == row.wall_time
    )


def is_occurrence_superseded(scope: Scope, row: Delivery) -> bool:
    """Return True if a later occurrence of the series is due too.

    Publishing both would only cause a burst.
    """
    if row.state not in PENDING_STATES or not is_regular_occurrence(row):
        return False
    newer = select(Delivery.id).where(
        Delivery.tenant_id == scope.tenant_id,
        Delivery.channel_id == row.channel_id,
        Delivery.series_id == row.series_id,
        Delivery.due_at > row.due_at,
        Delivery.due_at <= scope.now,
        Delivery.state != str(DeliveryState.CANCELLED),
    )
    return bool(scope.session.scalar(select(exists(newer))))


def occurrence_message_params(row: Delivery) -> str:
    """Format the local date and time of an occurrence for notices."""
    wall = parse_wall_time(row.wall_time, row.zone)
    return f"{wall.day:%d/%m/%Y} {wall.clock:%H:%M}"


def skip_misfire(scope: Scope, row: Delivery, reason: Message) -> None:
    """Cancel a superseded delivery and notify the members once per series.

    A delivery that is no longer pending is not changed.
    """
    if row.state not in PENDING_STATES:
        return
    drop_delivery(scope, row, reason=reason)
    told = Message("series.some_passed_over", {"since": occurrence_message_params(row)})
    notices.put(scope, told, cause=f"series:{row.series_id}:passed", creator_id=row.creator_id)
