"""What became of a series while nothing could leave: its newest missed time leaves, the older ones
are passed over."""

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

_AGAIN = re.compile(r"\.?again-\d+$")


def original_occurrence_key(key: str) -> str:
    """The occurrence that another one is of, once more or back on its account: its own key where it
    is the first."""
    return _AGAIN.sub("", key)


def is_regular_occurrence(row: Delivery) -> bool:
    """Whether a delivery leaves when its series says: nobody gave it a time of its own."""
    return (
        row.series_id is not None
        and original_occurrence_key(row.occurrence_key).partition("~")[0] == row.wall_time
    )


def is_occurrence_superseded(scope: Scope, row: Delivery) -> bool:
    """Whether the next time of its series has come too, so that this one would only make a
    burst."""
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
    """The date and the hour of one time of a series, as notices say them."""
    wall = parse_wall_time(row.wall_time, row.zone)
    return f"{wall.day:%d/%m/%Y} {wall.clock:%H:%M}"


def skip_misfire(scope: Scope, row: Delivery, reason: Message) -> None:
    """Take an overtaken delivery off the calendar, and tell the members once. One that went on
    meanwhile stays."""
    if row.state not in PENDING_STATES:
        return
    drop_delivery(scope, row, reason=reason)
    told = Message("series.some_passed_over", {"since": occurrence_message_params(row)})
    notices.put(scope, told, cause=f"series:{row.series_id}:passed", creator_id=row.creator_id)
