"""Alerts: opened once for each rule and series, closed by themselves, and notified once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import col, select

from foundation.db.bulk_insert import insert_rows
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from insights.alerts import alerts, backtests, evaluation, rules
from insights.alerts.alerts import alert_from_row
from insights.alerts.backtests import Backtest
from insights.alerts.models import AlertRow
from insights.alerts.rules import AlertRule, RuleSettings
from insights.alerts.states import AlertDirection, AlertKind, AlertRoute
from insights.metrics.models import FollowerDay
from insights.predictions.evidence import NotEnoughData
from insights.rollups.models import CreatorDay, SalesDay
from tenants.notices import notices
from tests.insights.builders import CreatorHistory

STEADY = [100 + 10 * (day % 7) for day in range(84)]
CAPS = {"EUR": Money(10_000, "EUR")}


def set_views(of: CreatorHistory, values: Sequence[int], *, read_ago: int | None = 1) -> None:
    """Replace the views of the days up to yesterday; the newest reading is `read_ago` hours old."""
    with of.scope() as scope:
        scope.run("DELETE FROM creator_daily WHERE tenant_id = :t", t=scope.tenant_id)
        scope.run("DELETE FROM followers_daily WHERE tenant_id = :t", t=scope.tenant_id)
        today = local_day(scope.now, of.zone)
        rest = dict.fromkeys(
            ("published", "waiting", "troubled", "interactions"), 0
        ) | dict.fromkeys(("messages_in", "messages_out", "new_fans"), 0)
        insert_rows(
            scope,
            CreatorDay,
            [
                {
                    "id": uuid7(),
                    "creator_id": of.creator_id,
                    "day": today - timedelta(days=len(values) - number),
                    "views": value,
                    "lateness_p95_ms": None,
                    "created_at": scope.now,
                    "updated_at": scope.now,
                    **rest,
                }
                for number, value in enumerate(values)
            ],
        )
        if read_ago is not None:
            at = scope.now - timedelta(hours=read_ago)
            insert_rows(
                scope,
                FollowerDay,
                [
                    {
                        "id": uuid7(),
                        "creator_id": of.creator_id,
                        "channel_id": of.channel_id,
                        "day": at.date(),
                        "followers": 10,
                        "observed_at": at,
                    }
                ],
            )


def set_sales(of: CreatorHistory, values: Sequence[int], currency: str = "EUR") -> None:
    with of.scope() as scope:
        today = local_day(scope.now, of.zone)
        rest = dict.fromkeys(
            ("refunds_minor", "creator_minor", "agency_minor", "staff_minor"), 0
        ) | {"others_minor": 0, "fees_minor": 0, "orders": 1}
        insert_rows(
            scope,
            SalesDay,
            [
                {
                    "id": uuid7(),
                    "creator_id": of.creator_id,
                    "day": today - timedelta(days=len(values) - number),
                    "currency": currency,
                    "gross_minor": value,
                    **rest,
                }
                for number, value in enumerate(values)
                if value
            ],
        )


def check(of: CreatorHistory) -> list[alerts.Alert]:
    """Check all rules and return the open alerts."""
    with of.scope() as scope:
        evaluation.evaluate_rules(scope, CAPS)
    with of.scope() as scope:
        return [
            alert_from_row(row)
            for row in scope.session.exec(
                select(AlertRow).where(
                    AlertRow.tenant_id == scope.tenant_id, col(AlertRow.resolved_at).is_(None)
                )
            )
        ]


def stored(of: CreatorHistory) -> int:
    with of.scope() as scope:
        return int(
            scope.run(
                "SELECT count(*) FROM alerts WHERE tenant_id = :t", t=scope.tenant_id
            ).scalar_one()
        )


def open_notices(scope: Scope) -> list[str]:
    return notices.list_open_causes(scope, "alert")


def find_rule(scope: Scope, code: str) -> AlertRule:
    return next(one for one in rules.list_rules(scope) if one.code == code)


def test_drop_opens_one_alert_which_closes_when_the_level_returns(ledgers: CreatorHistory) -> None:
    set_views(ledgers, [*STEADY, *[30] * 7])
    (found,) = check(ledgers)
    assert (found.kind, found.metric, found.seen) == (AlertKind.ANOMALY, "views", 210)
    assert found.expected is not None
    assert 850 <= found.expected <= 950
    assert -80 <= (found.percent or 0) <= -70
    assert check(ledgers) == [found]
    assert stored(ledgers) == 1
    with ledgers.scope() as scope:
        assert open_notices(scope) == [found.cause]
        times = scope.run(
            "SELECT times FROM notices WHERE tenant_id = :t AND cause = :c",
            t=scope.tenant_id,
            c=found.cause,
        ).scalar_one()
    assert times == 1
    set_views(ledgers, [*STEADY, *[30] * 7, *STEADY[:7]])
    assert check(ledgers) == []
    with ledgers.scope() as scope:
        assert open_notices(scope) == []
    set_views(ledgers, [*STEADY, *[30] * 7])
    (again,) = check(ledgers)
    assert again.id == found.id
    assert stored(ledgers) == 1, "a rule opens one alert a day for each series"


def test_stale_data_suspends_metrics_and_raises_its_own_alert(ledgers: CreatorHistory) -> None:
    set_views(ledgers, [*STEADY, *[30] * 7])
    (drop,) = check(ledgers)
    set_views(ledgers, [*STEADY, *[30] * 7, *[0] * 2], read_ago=48)
    found = {one.kind: one for one in check(ledgers)}
    assert found.keys() == {AlertKind.ANOMALY, AlertKind.STALE_DATA}
    assert found[AlertKind.ANOMALY] == drop, "an open alert does not change"
    assert found[AlertKind.STALE_DATA].seen == 48
    set_views(ledgers, STEADY)
    assert check(ledgers) == []
    set_views(ledgers, [*STEADY, *[0] * 3], read_ago=48)
    assert {one.kind for one in check(ledgers)} == {AlertKind.STALE_DATA}


def test_revenue_is_checked_in_each_currency(ledgers: CreatorHistory) -> None:
    set_views(ledgers, STEADY)
    set_sales(ledgers, [*[5_000] * 84, *[900] * 7])
    set_sales(ledgers, [7_000] * 91, "USD")
    (found,) = check(ledgers)
    assert (found.metric, found.currency, found.seen) == ("net", "EUR", 6_300)
    assert found.expected is not None
    assert found.expected == pytest.approx(35_000, rel=0.02)


def test_acknowledged_and_snoozed_alerts_stay_open_without_a_notice(
    ledgers: CreatorHistory,
) -> None:
    set_views(ledgers, [*STEADY, *[30] * 7])
    (found,) = check(ledgers)
    with ledgers.scope() as scope:
        alerts.snooze_alert(scope, found.id, 3)
        assert open_notices(scope) == []
        with pytest.raises(BadInput):
            alerts.snooze_alert(scope, found.id, 5)
    check(ledgers)
    with ledgers.scope() as scope:
        assert open_notices(scope) == []
        scope.run(
            "UPDATE alerts SET snoozed_until = house_now() - interval '1 minute'"
            " WHERE tenant_id = :t",
            t=scope.tenant_id,
        )
    check(ledgers)
    with ledgers.scope() as scope:
        assert open_notices(scope) == [found.cause]
        alerts.acknowledge_alert(scope, found.id, actor="member:1")
        alerts.acknowledge_alert(scope, found.id, actor="member:2")
    (after,) = check(ledgers)
    assert after.acknowledged_by == "member:1"
    with ledgers.scope() as scope:
        assert open_notices(scope) == []
        alerts.wake_alert(scope, found.id)
    set_views(ledgers, STEADY)
    assert check(ledgers) == []
    with ledgers.scope() as scope:
        for act in (alerts.wake_alert, lambda scope, one: alerts.snooze_alert(scope, one, 1)):
            with pytest.raises(Conflict):
                act(scope, found.id)
        with pytest.raises(NotFound):
            alerts.wake_alert(scope, uuid7())


def test_route_and_quiet_hours_of_a_rule_decide_about_the_notice(ledgers: CreatorHistory) -> None:
    set_views(ledgers, [*STEADY, *[30] * 7])
    with ledgers.scope() as scope:
        rule = find_rule(scope, "reach")
        always = replace(rule.settings, quiet_from=0, quiet_until=24 * 60 - 1)
        rules.change_rule(scope, rule.id, replace(always, route=AlertRoute.NOW))
        was_quiet = rules.get_rule(scope, rule.id).settings.is_quiet(scope.now, ledgers.zone)
    (found,) = check(ledgers)
    with ledgers.scope() as scope:
        assert open_notices(scope) == ([] if was_quiet else [found.cause])
        rules.change_rule(scope, rule.id, replace(rule.settings, route=AlertRoute.NOW))
    check(ledgers)
    with ledgers.scope() as scope:
        assert scope.run(
            "SELECT urgent FROM notices WHERE tenant_id = :t AND cause = :c",
            t=scope.tenant_id,
            c=found.cause,
        ).scalar_one()
        rules.change_rule(scope, rule.id, replace(rule.settings, route=AlertRoute.LIST))
    check(ledgers)
    with ledgers.scope() as scope:
        assert open_notices(scope) == []
        rules.change_rule(scope, rule.id, replace(rule.settings, enabled=False))
    assert check(ledgers) == []


def test_threshold_compares_complete_days_in_one_currency(ledgers: CreatorHistory) -> None:
    set_views(ledgers, STEADY)
    set_sales(ledgers, [1_000] * 7)
    wanted = RuleSettings(AlertKind.THRESHOLD, "net", threshold=7_001, currency="EUR", days=7)
    with ledgers.scope() as scope:
        low = rules.add_rule(scope, uuid7(), wanted)
        exact = rules.add_rule(scope, uuid7(), replace(wanted, threshold=7_000))
        long = rules.add_rule(scope, uuid7(), replace(wanted, days=28))
        above = rules.add_rule(
            scope, uuid7(), replace(wanted, threshold=6_999, direction=AlertDirection.ABOVE)
        )
    opened = {one.rule_id: one for one in check(ledgers)}
    assert opened.keys() == {low.id, above.id}
    assert (opened[low.id].seen, opened[low.id].expected) == (7_000, 7_001)
    with ledgers.scope() as scope:
        for rule in (low, exact, long, above):
            rules.delete_rule(scope, rule.id)
    assert check(ledgers) == []


def test_threshold_alarms_on_days_without_sales(ledgers: CreatorHistory) -> None:
    set_views(ledgers, STEADY)
    set_sales(ledgers, [5_000, *[0] * 9])
    wanted = RuleSettings(AlertKind.THRESHOLD, "net", threshold=100, currency="EUR")
    with ledgers.scope() as scope:
        rule = rules.add_rule(scope, uuid7(), wanted)
        few = rules.add_rule(
            scope, uuid7(), RuleSettings(AlertKind.THRESHOLD, "orders", days=7, threshold=1)
        )
        rules.add_rule(scope, uuid7(), replace(wanted, days=28))
        creators = list(evaluation.queries.list_creators(scope))
        assert backtests.backtest_rule(scope, rule, creators) == Backtest(1, 10, 1)
        yesterday = local_day(scope.now, ledgers.zone) - timedelta(days=1)
    opened = {one.rule_id: one for one in check(ledgers)}
    assert opened.keys() == {rule.id, few.id}, "28 days are not known"
    assert (opened[rule.id].seen, opened[few.id].seen) == (0, 0)
    since = opened[rule.id].since
    assert local_day(since, ledgers.zone) == yesterday
    set_sales(ledgers, [5_000])
    assert check(ledgers) == [], "a sale closes it"


def test_backtest_counts_what_the_check_would_have_opened(ledgers: CreatorHistory) -> None:
    set_views(ledgers, [*STEADY, *[30] * 7, *STEADY[:63], *[20] * 5])
    with ledgers.scope() as scope:
        creators = list(evaluation.queries.list_creators(scope))
        rule = find_rule(scope, "reach")
        found = backtests.backtest_rule(scope, rule, creators)
        assert found == Backtest(2, 90, 1)
        low = AlertRule(uuid7(), "", RuleSettings(AlertKind.THRESHOLD, "views", threshold=101))
        assert backtests.backtest_rule(scope, low, creators) == Backtest(12, 90, 1)
        comments = AlertRule(uuid7(), "", replace(rule.settings, metric="negative_comments"))
        assert backtests.backtest_rule(scope, comments, creators) == NotEnoughData(0, 63, "days")
    set_views(ledgers, STEADY[:20])
    with ledgers.scope() as scope:
        short = backtests.backtest_rule(scope, rule, creators)
        assert isinstance(short, NotEnoughData)
        assert (short.have, short.need) == (20, 63)
        assert short.expected_on is not None
    assert check(ledgers) == []


@pytest.mark.parametrize(
    "wrong",
    [
        RuleSettings(AlertKind.ANOMALY, "reach"),
        RuleSettings(AlertKind.ANOMALY, "nothing"),
        RuleSettings(AlertKind.ANOMALY, "views", threshold=1),
        RuleSettings(AlertKind.THRESHOLD, "net", threshold=1),
        RuleSettings(AlertKind.THRESHOLD, "net", threshold=1, currency="EURO"),
        RuleSettings(AlertKind.THRESHOLD, "views", threshold=1, currency="EUR"),
        RuleSettings(AlertKind.THRESHOLD, "views", threshold=-1),
        RuleSettings(AlertKind.THRESHOLD, "views"),
        RuleSettings(AlertKind.THRESHOLD, "views", threshold=1, days=3),
        RuleSettings(AlertKind.FAILED_POSTS),
        RuleSettings(AlertKind.COST_BUDGET, threshold=101),
        RuleSettings(AlertKind.WAITING_CHATS, "views", threshold=1),
        RuleSettings(AlertKind.ANOMALY, "views", quiet_from=60),
        RuleSettings(AlertKind.ANOMALY, "views", quiet_from=60, quiet_until=60),
        RuleSettings(AlertKind.ANOMALY, "views", quiet_from=-1, quiet_until=60),
    ],
)
def test_impossible_rules_are_refused(ledgers: CreatorHistory, wrong: RuleSettings) -> None:
    with ledgers.scope() as scope, pytest.raises(BadInput):
        rules.add_rule(scope, uuid7(), wrong)


def test_default_rules_exist_until_changed_and_can_be_reset(ledgers: CreatorHistory) -> None:
    rule_id: UUID = uuid7()
    with ledgers.scope() as scope:
        before = rules.list_rules(scope)
        assert [one.code for one in before] == list(rules.DEFAULT_RULES)
        budget = find_rule(scope, "cost_budget")
        with pytest.raises(BadInput):
            rules.change_rule(
                scope, budget.id, replace(budget.settings, creator_id=ledgers.creator_id)
            )
        with pytest.raises(Conflict):
            rules.change_rule(scope, budget.id, RuleSettings(AlertKind.ANOMALY, "views"))
        with pytest.raises(NotFound):
            rules.change_rule(scope, rule_id, budget.settings)
        rules.change_rule(scope, budget.id, replace(budget.settings, threshold=50))
        added = rules.add_rule(scope, rule_id, RuleSettings(AlertKind.ANOMALY, "clicks"))
        assert rules.add_rule(scope, rule_id, RuleSettings(AlertKind.ANOMALY, "likes")) == added
        assert len(rules.list_rules(scope)) == len(before) + 1
        rules.delete_rule(scope, rule_id)
        rules.delete_rule(scope, budget.id)
        scope.session.flush()
        assert rules.list_rules(scope) == before
