"""Reasons for alerts: an anomaly, a threshold that is crossed, or a condition of the present."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from channels.accounts import token_expiry
from foundation.db.database import Scope
from foundation.ops.wall_time import day_bounds
from insights.alerts import anomalies
from insights.alerts.daily_metrics import (
    DailySeries,
    DataAge,
    load_daily_series,
)
from insights.alerts.rules import AlertRule, RuleSettings
from insights.alerts.states import AlertDirection, AlertKind
from schedules.approvals import pending_decisions, review_queue
from schedules.notices import undecided_posts
from schedules.posts.states import DeliveryState
from studio.costs import spending_caps
from studio.costs.spending_caps import SpendingCaps
from subscribers.conversations import message_sentiments, waiting_chats
from subscribers.orders import refund_counts
from tenants.agencies.queries import Creator

HISTORY_DAYS = anomalies.MIN_DAYS + 90
"""Days that are replayed, so that checks and backtests find the same anomalies."""

FAILED_STATES = frozenset({DeliveryState.FAILED, DeliveryState.UNCERTAIN, DeliveryState.BROKEN_OFF})
ONE_DAY = timedelta(days=1)

BURST_FACTOR = 3
"""Refunds or negative comments are a burst if they are also this many times as frequent as
usual."""


@dataclass(frozen=True)
class Finding:
    """A reason for an alert. `creator_id` is None for the agency. `p_value` is set if several
    series are tested and false alarms must be limited. `starts_now` marks a reason whose beginning
    is unknown: `since` is the time of the check, and an open alert keeps its first one."""

    rule: AlertRule
    creator_id: UUID | None
    since: datetime
    seen: int
    expected: int | None
    currency: str = ""
    data_at: datetime | None = None
    p_value: float | None = None
    starts_now: bool = False

    @property
    def series(self) -> str:
        """Return the key of what was checked; a rule has one open alert for each."""
        return f"{self.creator_id or ''}:{self.currency}"


@dataclass(frozen=True)
class AlertContext:
    """Data that the checks of one run share. `caps` are the installation's spending caps."""

    creators: Mapping[UUID, Creator]
    ages: Mapping[UUID, DataAge]
    caps: SpendingCaps

    def age_of(self, creator_id: UUID) -> DataAge:
        """Return the times of a creator's newest data."""
        return self.ages.get(creator_id, DataAge())


@dataclass(frozen=True)
class RuleFindings:
    """The findings of a rule, and the series that were tested, which include those without a
    finding."""

    found: tuple[Finding, ...]
    tested: frozenset[str]


def check_metric_rule(
    scope: Scope, rule: AlertRule, creators: Collection[Creator], context: AlertContext
) -> RuleFindings:
    """Return the findings of a rule about a daily metric for these creators."""
    one = rule.settings
    series = load_daily_series(scope, creators, one.metric, HISTORY_DAYS)
    if one.kind is AlertKind.THRESHOLD:
        # Days without sales are known to be zero only if an earlier sale is loaded, too.
        series = [each.tail(one.days) for each in series if one.currency in ("", each.currency)]
    usable = [each for each in series if is_long_enough(one, each)]
    find = _find_anomaly if one.kind is AlertKind.ANOMALY else _find_crossing
    found = (find(rule, each, context) for each in usable)
    return RuleFindings(
        tuple(each for each in found if each is not None),
        frozenset(f"{each.creator_id}:{each.currency}" for each in usable),
    )


def is_long_enough(settings: RuleSettings, series: DailySeries) -> bool:
    """Return True if the series has the history that the rule needs."""
    if settings.kind is AlertKind.ANOMALY:
        return len(series.values) > anomalies.MIN_DAYS
    return len(series.values) == settings.days and series.known == settings.days


def _find_anomaly(rule: AlertRule, series: DailySeries, context: AlertContext) -> Finding | None:
    found = anomalies.find_anomalies(series.values, rule.settings.direction)
    if not found or found[-1].ended is not None:
        return None
    last = found[-1]
    zone = context.creators[series.creator_id].zone
    return Finding(
        rule,
        series.creator_id,
        day_bounds(series.day_at(last.start), zone)[0],
        last.seen,
        last.expected,
        series.currency,
        context.age_of(series.creator_id).newest(series.metric),
        last.p_value,
    )


def _find_crossing(rule: AlertRule, series: DailySeries, context: AlertContext) -> Finding | None:
    one = rule.settings
    limit = one.threshold
    total = sum(value for value in series.values if value is not None)
    if limit is None or not is_crossed(total, limit, one.direction):
        return None
    zone = context.creators[series.creator_id].zone
    return Finding(
        rule,
        series.creator_id,
        day_bounds(series.first, zone)[0],
        total,
        limit,
        series.currency,
        context.age_of(series.creator_id).newest(series.metric),
    )


def is_crossed(total: int, limit: int, direction: AlertDirection) -> bool:
    """Return True if a value is on the side of the limit that raises an alert."""
    return total < limit if direction is AlertDirection.BELOW else total > limit


# Conditions of the present


def check_condition(scope: Scope, rule: AlertRule, context: AlertContext) -> list[Finding]:
    """Return the findings of a rule about the present state, for all creators that it covers."""
    found = _CONDITIONS[rule.settings.kind](scope, rule, context)
    return [one for one in found if one.creator_id is None or one.creator_id in context.creators]


def _limit(rule: AlertRule) -> int:
    # `rules` stores no such rule without a threshold.
    return rule.settings.threshold or 0


def _find_failed_posts(scope: Scope, rule: AlertRule, _: AlertContext) -> list[Finding]:
    found = undecided_posts.list_undecided_posts(scope, FAILED_STATES)
    return _group(scope, rule, ((one.creator_id, one.since) for one in found), least=_limit(rule))


def _find_expiring_access(scope: Scope, rule: AlertRule, _: AlertContext) -> list[Finding]:
    within = timedelta(days=_limit(rule))
    found = token_expiry.list_expiring_accounts(scope, within)
    return _group(
        scope,
        rule,
        ((one.creator_id, min(one.ends - within, scope.now)) for one in found),
        expected=None,
    )


def _find_waiting_chats(scope: Scope, rule: AlertRule, _: AlertContext) -> list[Finding]:
    before = scope.now - timedelta(hours=_limit(rule))
    return [
        Finding(rule, one.creator_id, one.since, one.chats, None, data_at=scope.now)
        for one in waiting_chats.list_waiting_chats(scope, before=before)
    ]


def _find_refund_bursts(scope: Scope, rule: AlertRule, _: AlertContext) -> list[Finding]:
    return [
        Finding(rule, one.creator_id, one.since, one.refunds, round(one.usual), data_at=scope.now)
        for one in refund_counts.list_refund_counts(scope, ONE_DAY)
        if one.refunds >= _limit(rule) and one.refunds >= BURST_FACTOR * one.usual
    ]


def _find_negative_comments(scope: Scope, rule: AlertRule, context: AlertContext) -> list[Finding]:
    found = message_sentiments.list_negative_counts(scope, context.creators, ONE_DAY)
    return [
        Finding(rule, one.creator_id, one.since, one.comments, round(one.usual), data_at=scope.now)
        for one in found
        if one.comments >= _limit(rule) and one.comments >= BURST_FACTOR * one.usual
    ]


def _find_ageing_approvals(scope: Scope, rule: AlertRule, context: AlertContext) -> list[Finding]:
    before = scope.now - timedelta(hours=_limit(rule))
    found = review_queue.list_review_queue(
        scope, list(context.creators), limit=pending_decisions.COUNT_LIMIT
    )
    ages = ((one.creator_id, one.created_at or scope.now) for one in found)
    return _group(scope, rule, ((who, since) for who, since in ages if since <= before))


def _find_cost_budgets(scope: Scope, rule: AlertRule, context: AlertContext) -> list[Finding]:
    found = []
    for one in spending_caps.list_budgets(scope, context.caps):
        if one.cap is None or one.spent.minor * 100 < one.cap.minor * _limit(rule):
            continue
        found.append(
            Finding(
                rule,
                None,
                scope.now,
                round(one.spent.minor),
                one.cap.minor,
                one.cap.currency,
                scope.now,
                starts_now=True,
            )
        )
    return found


def _find_stale_data(scope: Scope, rule: AlertRule, context: AlertContext) -> list[Finding]:
    limit = timedelta(hours=_limit(rule))
    return [
        Finding(
            rule,
            creator_id,
            at,
            round((scope.now - at) / timedelta(hours=1)),
            _limit(rule),
            data_at=at,
        )
        for creator_id, age in context.ages.items()
        if (at := age.readings) is not None and age.is_expected and scope.now - at >= limit
    ]


def _group(
    scope: Scope,
    rule: AlertRule,
    found: Iterable[tuple[UUID, datetime]],
    *,
    least: int = 1,
    expected: int | None = None,
) -> list[Finding]:
    """Return one finding for each creator with at least `least` items, since the oldest."""
    since: dict[UUID, list[datetime]] = {}
    for creator_id, at in found:
        since.setdefault(creator_id, []).append(at)
    return [
        Finding(rule, creator_id, min(times), len(times), expected, data_at=scope.now)
        for creator_id, times in sorted(since.items())
        if len(times) >= least
    ]


_CONDITIONS: Mapping[AlertKind, Callable[[Scope, AlertRule, AlertContext], list[Finding]]] = {
    AlertKind.FAILED_POSTS: _find_failed_posts,
    AlertKind.EXPIRING_ACCESS: _find_expiring_access,
    AlertKind.WAITING_CHATS: _find_waiting_chats,
    AlertKind.REFUND_BURST: _find_refund_bursts,
    AlertKind.NEGATIVE_COMMENTS: _find_negative_comments,
    AlertKind.AGEING_APPROVALS: _find_ageing_approvals,
    AlertKind.COST_BUDGET: _find_cost_budgets,
    AlertKind.STALE_DATA: _find_stale_data,
}
