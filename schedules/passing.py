"""What became of a series while nothing could leave: its newest missed time leaves, the older ones are passed over."""

import re

from sqlalchemy import exists
from sqlmodel import select

from foundation.database import Scope
from foundation.words import Message
from schedules.calendar import parse
from schedules.models import Delivery
from schedules.planning import drop
from schedules.states import TO_COME, DeliveryState
from tenants import notices

S = DeliveryState


_AGAIN = re.compile(r"\.?again-\d+$")


def first_key(key: str) -> str:
    """The occurrence that another one is of, once more or back on its account: its own key where it is the first."""
    return _AGAIN.sub("", key)


def by_rule(row: Delivery) -> bool:
    """Whether a delivery leaves when its series says: nobody gave it a time of its own."""
    return row.series_id is not None and first_key(row.occurrence_key).partition("~")[0] == row.wall_time


def overtaken(scope: Scope, row: Delivery) -> bool:
    """Whether the next time of its series has come too, so that this one would only make a burst."""
    if row.state not in TO_COME or not by_rule(row):
        return False
    newer = select(Delivery.id).where(
        Delivery.tenant_id == scope.tenant_id,
        Delivery.channel_id == row.channel_id,
        Delivery.series_id == row.series_id,
        Delivery.due_at > row.due_at,
        Delivery.due_at <= scope.now,
        Delivery.state != str(S.CANCELLED),
    )
    return bool(scope.session.scalar(select(exists(newer))))


def told_at(row: Delivery) -> str:
    """The date and the hour of one time of a series, as notices say them."""
    wall = parse(row.wall_time, row.zone)
    return f"{wall.day:%d/%m/%Y} {wall.clock:%H:%M}"


def pass_over(scope: Scope, row: Delivery, reason: Message) -> None:
    """Take an overtaken delivery off the calendar, and tell the members once. One that went on meanwhile stays."""
    if row.state not in TO_COME:
        return
    drop(scope, row, reason=reason)
    told = Message("series.some_passed_over", {"since": told_at(row)})
    notices.put(scope, told, cause=f"series:{row.series_id}:passed", creator_id=row.creator_id)
