"""Counts of the alerts that a rule would have opened in the past."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from sqlmodel import col, func, select

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from insights.alerts import anomalies
from insights.alerts.daily_metrics import DailySeries, load_daily_series
from insights.alerts.findings import HISTORY_DAYS, is_crossed
from insights.alerts.models import AlertRow
from insights.alerts.rules import AlertRule, RuleSettings
from insights.alerts.states import METRIC_KINDS, AlertKind
from insights.predictions.evidence import NotEnoughData
from tenants.agencies.queries import Creator

BACKTEST_DAYS = 90


@dataclass(frozen=True)
class Backtest:
    """The alerts that a rule would have opened on the last `days` days, over all its creators.

    `is_replayed` is False for a rule about the present state, whose past cannot be replayed: the
    alerts that it opened are counted.
    """

    alerts: int
    days: int
    creators: int
    is_replayed: bool = True


def backtest_rule(
    scope: Scope, rule: AlertRule, creators: Collection[Creator]
) -> Backtest | NotEnoughData:
    """Replay a rule for these creators over the last `BACKTEST_DAYS`, or as many as there are."""
    one = rule.settings
    covered = [each for each in creators if one.creator_id in (None, each.id)]
    if one.kind not in METRIC_KINDS:
        return _count_opened(scope, rule, covered)
    series = load_daily_series(scope, covered, one.metric, HISTORY_DAYS)
    if one.currency:
        series = [each for each in series if each.currency == one.currency]
    need = required_days(one)
    usable = [each for each in series if len(each.values) > need]
    if not usable:
        longest = max(series, key=lambda each: len(each.values), default=None)
        return _describe_shortage(longest, need)
    counts = [_count_anomalies(one, each) for each in usable]
    days = min(BACKTEST_DAYS, max(len(each.values) - need for each in usable))
    return Backtest(sum(counts), days, len({each.creator_id for each in usable}))


def describe_backtest(found: Backtest | NotEnoughData) -> Message:
    """Return the result as a sentence, or what is missing."""
    if isinstance(found, NotEnoughData):
        return Message("alerts.not_enough", {"have": found.have, "need": found.need})
    code = "alerts.would_have" if found.is_replayed else "alerts.did_alarm"
    return Message(code, {"count": found.alerts, "days": found.days, "creators": found.creators})


def required_days(settings: RuleSettings) -> int:
    """Return the number of days before the first one that a rule about a metric can check."""
    return anomalies.MIN_DAYS if settings.kind is AlertKind.ANOMALY else settings.days - 1


def _describe_shortage(series: DailySeries | None, need: int) -> NotEnoughData:
    if series is None:
        return NotEnoughData(0, need, "days")
    have = len(series.values)
    ready: date = series.first + timedelta(days=need + 1)
    return NotEnoughData(have, need, "days", ready)


def _count_anomalies(settings: RuleSettings, series: DailySeries) -> int:
    oldest = len(series.values) - BACKTEST_DAYS
    if settings.kind is AlertKind.ANOMALY:
        found = anomalies.find_anomalies(series.values, settings.direction)
        return sum(one.alarmed >= oldest for one in found)
    crossed = _list_crossings(settings, series)
    return sum(
        now and (position == 0 or not crossed[position - 1])
        for position, now in enumerate(crossed)
        if position + settings.days - 1 >= oldest
    )


def _list_crossings(settings: RuleSettings, series: DailySeries) -> list[bool]:
    """Return for each day from the first complete window on if the threshold was crossed."""
    limit = settings.threshold or 0
    found = []
    for end in range(settings.days, len(series.values) + 1):
        window = series.values[end - settings.days : end]
        known = [value for value in window if value is not None]
        complete = len(known) == settings.days
        found.append(complete and is_crossed(sum(known), limit, settings.direction))
    return found


def _count_opened(scope: Scope, rule: AlertRule, covered: Collection[Creator]) -> Backtest:
    ids = [each.id for each in covered]
    opened = scope.session.exec(
        select(func.count())
        .select_from(AlertRow)
        .where(
            AlertRow.tenant_id == scope.tenant_id,
            AlertRow.rule_id == rule.id,
            col(AlertRow.day) > scope.now.date() - timedelta(days=BACKTEST_DAYS),
            col(AlertRow.creator_id).in_(ids) | col(AlertRow.creator_id).is_(None),
        )
    ).one()
    return Backtest(opened, BACKTEST_DAYS, len(ids), is_replayed=False)
