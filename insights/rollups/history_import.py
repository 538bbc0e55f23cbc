"""Import of history: readings of past posts, and past days as rollups."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

from foundation.db.bulk_insert import insert_rows
from foundation.db.database import Scope
from foundation.ids import derived_uuid
from insights.metrics.models import FollowerDay, MetricSnapshot
from insights.rollups import creator_facts, daily_rollups, metric_rollups
from insights.rollups.models import CreatorDay, SalesDay
from insights.rollups.queries import DaySales, DayWork


@dataclass(frozen=True)
class PastReading:
    """One value of a metric of a post at an age of `age_hours`."""

    creator_id: UUID
    delivery_id: UUID
    channel_id: UUID
    metric: str
    age_hours: int
    value: int
    observed_at: datetime


@dataclass(frozen=True)
class PastDay:
    """A local day of a creator with the same rows that `daily_rollups.rebuild_day` would create
    (tested)."""

    creator_id: UUID
    day: date
    work: DayWork
    sales: tuple[DaySales, ...]


@dataclass(frozen=True)
class PastFollowers:
    """Followers of an account on a local day of its creator."""

    creator_id: UUID
    channel_id: UUID
    day: date
    followers: int
    observed_at: datetime


def import_past_followers(scope: Scope, told: Sequence[PastFollowers]) -> None:
    """Insert follower counts; existing days are not changed."""
    insert_rows(
        scope,
        FollowerDay,
        [{"id": derived_uuid(one.channel_id, one.day, "followers"), **asdict(one)} for one in told],
    )


def import_past_readings(scope: Scope, readings: Sequence[PastReading]) -> int:
    """Insert readings and return the number of new ones; existing ones are not changed."""
    return insert_rows(scope, MetricSnapshot, [_build_reading_row(reading) for reading in readings])


def import_past_days(scope: Scope, days: Sequence[PastDay]) -> None:
    """Insert days; existing ones are not changed, because a local rollup is more accurate."""
    insert_rows(scope, CreatorDay, [_build_work_row(day) for day in days])
    insert_rows(
        scope, SalesDay, [_build_sales_row(day, sales) for day in days for sales in day.sales]
    )


def build_past_rollups(scope: Scope, creator_id: UUID, first: date, last: date) -> None:
    """Build the rollups of imported readings, posts and conversations of a creator's local days.

    Call it after the import of sales, readings and days, whose sales are not built again.
    """
    daily_rollups.take_booked_days(scope, creator_id)
    while metric_rollups.roll_up_changes(scope):
        pass
    creator_facts.rebuild_facts(scope, creator_id, first, last)


def _build_reading_row(reading: PastReading) -> Mapping[str, object]:
    return {
        "id": derived_uuid(reading.delivery_id, reading.metric, reading.age_hours),
        "created_at": reading.observed_at,
        "updated_at": reading.observed_at,
        "creator_id": reading.creator_id,
        "delivery_id": reading.delivery_id,
        "channel_id": reading.channel_id,
        "metric": reading.metric,
        "age_hours": reading.age_hours,
        "value": reading.value,
        "quality": "measured",
        "observed_at": reading.observed_at,
    }


def _build_work_row(day: PastDay) -> Mapping[str, object]:
    work = day.work
    return {
        "id": derived_uuid(day.creator_id, day.day, "work"),
        "creator_id": day.creator_id,
        "day": day.day,
        "published": work.published,
        "waiting": work.waiting,
        "troubled": work.troubled,
        "lateness_p95_ms": work.lateness_p95_ms,
        "views": work.views,
        "interactions": work.interactions,
        "messages_in": work.messages_in,
        "messages_out": work.messages_out,
        "new_fans": work.new_fans,
    }


def _build_sales_row(day: PastDay, sales: DaySales) -> Mapping[str, object]:
    return {
        "id": derived_uuid(day.creator_id, day.day, sales.gross.currency),
        "creator_id": day.creator_id,
        "day": day.day,
        "currency": sales.gross.currency,
        "orders": sales.orders,
        "gross_minor": sales.gross.minor,
        "refunds_minor": sales.refunds.minor,
        "creator_minor": sales.creator.minor,
        "agency_minor": sales.agency.minor,
        "staff_minor": sales.staff.minor,
        "others_minor": sales.others_minor,
        "fees_minor": sales.fees_minor,
    }
