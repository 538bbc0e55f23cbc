"""Goals: the value is that of the rollups of the month, one goal for each metric, and only for
creators of the member."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from foundation.errors import BadInput, NotFound
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from insights.rollups.queries import DaySales, DayWork
from insights.workspace import goals
from insights.workspace.goals import Goal, GoalMetric, GoalStatus, measure_goal
from tenants.agencies.queries import list_creators
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency

MARCH = date(2026, 3, 1)
CENTS = some.integers(-10_000, 10_000)


def sold(minor: int, currency: str = "EUR") -> DaySales:
    none = Money(0, currency)
    gross, refunds = Money(max(minor, 0), currency), Money(max(-minor, 0), currency)
    return DaySales(1, gross, refunds, none, none, none)


@given(some.lists(CENTS, max_size=31), some.integers(1, 100_000), some.integers(-40, 60))
def test_goal_of_net_sales_equals_the_rollups(days: list[int], target: int, at: int) -> None:
    goal = Goal(uuid7(), uuid7(), MARCH, GoalMetric.NET, target, "EUR")
    sales = [sold(one) for one in days] + [sold(777, "USD")]
    found = measure_goal(goal, sales, [], MARCH + timedelta(days=at))
    assert found.value == sum(days)
    assert found.percent >= 0
    reached = sum(days) >= target
    assert (found.status is GoalStatus.REACHED) == reached
    if not reached:
        assert (found.status is GoalStatus.MISSED) == (at > 30)
        assert (found.status is GoalStatus.UPCOMING) == (at < 0)


def test_goal_is_on_track_with_its_share_of_the_elapsed_days() -> None:
    goal = Goal(uuid7(), uuid7(), MARCH, GoalMetric.VIEWS, 3100)
    at = MARCH + timedelta(days=10)
    enough, few = (measure_goal(goal, [], [DayWork(views=n)], at) for n in (1000, 999))
    assert (enough.status, few.status) == (GoalStatus.ON_TRACK, GoalStatus.BEHIND)


def test_goal_is_set_once_for_each_metric_and_deleted(lumiere: Agency) -> None:
    lumiere.sold(0, 4500)
    member = lumiere.members[Role.MANAGER]
    with lumiere.scope() as scope:
        today = local_day(scope.now, ZONE)
        said = {"member_id": member, "creator_id": lumiere.creator_id, "month": today}
        for target in (9000, 4000):
            goals.set_goal(scope, **said, metric="net", target=target, currency="EUR", key=uuid7())
        goals.set_goal(scope, **said, metric="orders", target=10, currency="EUR", key=uuid7())
        net, orders = goals.list_goal_progress(scope, list_creators(scope), today)
        assert (net.value, net.goal.target, net.status) == (4500, 4000, GoalStatus.REACHED)
        assert (orders.value, orders.goal.currency) == (1, "")
        goals.delete_goal(scope, net.goal.id, member_id=member)
        assert len(goals.list_goal_progress(scope, list_creators(scope), today)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"metric": "luck"},
        {"target": 0},
        {"target": goals.MAX_TARGET + 1},
        {"currency": "ZZZ"},
        {"month": date(1999, 1, 1)},
    ],
)
def test_invalid_goals_are_refused(lumiere: Agency, wrong: dict[str, object]) -> None:
    with lumiere.scope() as scope:
        said = {"metric": "net", "target": 5, "currency": "EUR", "month": scope.now.date()} | wrong
        with pytest.raises(BadInput):
            goals.set_goal(
                scope,
                member_id=lumiere.members[Role.MANAGER],
                creator_id=lumiere.creator_id,
                key=uuid7(),
                **said,
            )


def test_member_of_other_creators_sets_no_goal(lumiere: Agency) -> None:
    member = lumiere.members[Role.MANAGER]
    with lumiere.scope() as scope:
        scope.run("""UPDATE members SET creators = '["zoe"]' WHERE id = :m""", m=member)
    with lumiere.scope() as scope, pytest.raises(NotFound):
        goals.set_goal(
            scope,
            member_id=member,
            creator_id=lumiere.creator_id,
            month=scope.now.date(),
            metric="views",
            target=5,
            key=uuid7(),
        )
