"""Goals: the target of a creator for a metric in a calendar month, and how far it is reached.

A month has the days of the creator's time zone. Progress is read from the daily rollups.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.money import STARS, TEST_CURRENCY, is_currency
from foundation.ops.wall_time import local_day
from insights.rollups.queries import (
    DaySales,
    DayWork,
    daily_sales_by_creator,
    daily_work_by_creator,
)
from insights.workspace.models import GoalRow
from tenants.agencies import queries
from tenants.agencies.queries import Creator, Member

MAX_TARGET = 10**12
"""Maximum target: a count, or minor units."""
MAX_MONTHS = 24
"""Maximum number of months between the current month and that of a goal."""


class GoalMetric(StrEnum):
    """Metrics of the catalogue that can have a goal. `net` and `gross` are amounts, the others
    counts."""

    NET = "net"
    GROSS = "gross"
    ORDERS = "orders"
    VIEWS = "views"
    POSTS = "posts_published"
    NEW_FANS = "new_fans"

    @property
    def is_money(self) -> bool:
        """Return True for an amount, which has a currency."""
        return self in (GoalMetric.NET, GoalMetric.GROSS)


class GoalStatus(StrEnum):
    """`on_track` is a value of at least the share of the target that the elapsed days have of the
    month; `missed` is an unreached goal of a past month."""

    REACHED = "reached"
    ON_TRACK = "on_track"
    BEHIND = "behind"
    MISSED = "missed"
    UPCOMING = "upcoming"


@dataclass(frozen=True)
class Goal:
    """A goal. `target` is a count, or minor units of `currency`; `month` is its first day."""

    id: UUID
    creator_id: UUID
    month: date
    metric: GoalMetric
    target: int
    currency: str = ""


@dataclass(frozen=True)
class GoalProgress:
    """A goal with the value that was reached, in the unit of the target, and its status."""

    goal: Goal
    value: int
    status: GoalStatus

    @property
    def percent(self) -> int:
        """Return the share of the target in per cent, rounded down and at least 0."""
        return max(100 * self.value // self.goal.target, 0)


def set_goal(
    scope: Scope,
    *,
    member_id: UUID,
    creator_id: UUID,
    month: date,
    metric: str,
    target: int,
    currency: str = "",
    key: UUID,
) -> UUID:
    """Set the goal of a creator for a metric in the month of a date, as a member, and return its
    ID. An existing goal gets the new target.

    Raises BadInput for an invalid metric, target, currency or month, and NotFound for a creator of
    other members.
    """
    creator = _require_creator(scope, member_id, creator_id)
    if metric not in list(GoalMetric):
        raise BadInput("goal.metric_unknown")
    wanted = GoalMetric(metric)
    if not 0 < target <= MAX_TARGET:
        raise BadInput("goal.target_wrong").about("target")
    if wanted.is_money and not (is_currency(currency) or currency in (STARS, TEST_CURRENCY)):
        raise BadInput("goal.currency_unknown")
    first = month.replace(day=1)
    today = local_day(scope.now, creator.zone)
    if abs(_month_number(first) - _month_number(today)) > MAX_MONTHS:
        raise BadInput("goal.month_wrong", most=MAX_MONTHS)
    row = scope.run(
        "INSERT INTO analytics_goals (tenant_id, id, creator_id, month, metric, currency, target)"
        " VALUES (:tenant, :id, :creator, :month, :metric, :currency, :target)"
        " ON CONFLICT (tenant_id, creator_id, month, metric, currency) DO UPDATE"
        " SET target = EXCLUDED.target, updated_at = house_now() RETURNING id",
        tenant=scope.tenant_id,
        id=key,
        creator=creator_id,
        month=first,
        metric=str(wanted),
        currency=currency if wanted.is_money else "",
        target=target,
    ).one()
    goal_id: UUID = row.id
    return goal_id


def delete_goal(scope: Scope, goal_id: UUID, *, member_id: UUID) -> None:
    """Delete a goal as a member. Raises NotFound, also for a creator of other members."""
    row = scope.session.get(GoalRow, (scope.tenant_id, goal_id))
    if row is None:
        raise NotFound("goal.unknown")
    _require_creator(scope, member_id, row.creator_id)
    scope.session.delete(row)
    scope.session.flush()


def get_goal_progress(
    scope: Scope, creators: Mapping[UUID, Creator], goal_id: UUID
) -> GoalProgress:
    """Return a goal of one of these creators, by ID, with its progress. Raises NotFound."""
    row = scope.session.get(GoalRow, (scope.tenant_id, goal_id))
    if row is None or row.creator_id not in creators:
        raise NotFound("goal.unknown")
    found = list_goal_progress(scope, [creators[row.creator_id]], row.month)
    return next(one for one in found if one.goal.id == goal_id)


def list_goal_progress(
    scope: Scope, creators: Sequence[Creator], month: date
) -> list[GoalProgress]:
    """Return the goals of these creators for the month of a date, with their progress, in the order
    of the creators and metrics."""
    first = month.replace(day=1)
    last = first.replace(day=monthrange(first.year, first.month)[1])
    ids = [one.id for one in creators]
    rows = scope.session.exec(
        select(GoalRow)
        .where(
            GoalRow.tenant_id == scope.tenant_id,
            col(GoalRow.creator_id).in_(ids),
            GoalRow.month == first,
        )
        .execution_options(populate_existing=True)
    ).all()
    if not rows:
        return []
    money = daily_sales_by_creator(scope, ids, first, last)
    work = daily_work_by_creator(scope, ids, first, last)
    zones = {one.id: one.zone for one in creators}
    places = {one: place for place, one in enumerate(ids)}
    order = list(GoalMetric)
    goals = sorted(
        (_goal_from_row(row) for row in rows),
        key=lambda one: (places[one.creator_id], order.index(one.metric), one.currency),
    )
    return [
        measure_goal(
            goal,
            (sales for days in money[goal.creator_id].values() for sales in days),
            work[goal.creator_id].values(),
            local_day(scope.now, zones[goal.creator_id]),
        )
        for goal in goals
    ]


def measure_goal(
    goal: Goal, sales: Iterable[DaySales], work: Iterable[DayWork], today: date
) -> GoalProgress:
    """Return the progress of a goal from the rollups of its month. Pure."""
    every = list(sales)
    mine = [one for one in every if one.gross.currency == goal.currency]
    match goal.metric:
        case GoalMetric.NET:
            value = sum(one.net.minor for one in mine)
        case GoalMetric.GROSS:
            value = sum(one.gross.minor for one in mine)
        case GoalMetric.ORDERS:
            value = sum(one.orders for one in every)
        case GoalMetric.VIEWS:
            value = sum(one.views for one in work)
        case GoalMetric.POSTS:
            value = sum(one.published for one in work)
        case GoalMetric.NEW_FANS:
            value = sum(one.new_fans for one in work)
    return GoalProgress(goal, value, _find_status(goal, value, today))


def _find_status(goal: Goal, value: int, today: date) -> GoalStatus:
    length = monthrange(goal.month.year, goal.month.month)[1]
    if value >= goal.target:
        return GoalStatus.REACHED
    if today < goal.month:
        return GoalStatus.UPCOMING
    if today > goal.month.replace(day=length):
        return GoalStatus.MISSED
    elapsed = (today - goal.month).days  # full days, without today
    return GoalStatus.ON_TRACK if value * length >= goal.target * elapsed else GoalStatus.BEHIND


def _month_number(day: date) -> int:
    return 12 * day.year + day.month


def _goal_from_row(row: GoalRow) -> Goal:
    return Goal(row.id, row.creator_id, row.month, GoalMetric(row.metric), row.target, row.currency)


def _require_creator(scope: Scope, member_id: UUID, creator_id: UUID) -> Creator:
    member: Member = queries.get_member(scope, member_id)
    creator = queries.get_creator(scope, creator_id)
    if not member.works_for(creator.slug):
        raise NotFound("creator.unknown", creator=str(creator_id))
    return creator
