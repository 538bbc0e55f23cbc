"""Alert rules: the defaults of all agencies, and those that members changed or added.

A default rule has a row only once a member changes it, so that better defaults reach agencies that
keep them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import derived_uuid
from foundation.money import STARS, TEST_CURRENCY, is_currency, parse_money
from insights.alerts.daily_metrics import has_currency, is_alert_metric
from insights.alerts.models import AlertRuleRow
from insights.alerts.states import (
    AGENCY_KINDS,
    AlertDirection,
    AlertKind,
    AlertRoute,
)
from tenants.agencies import queries
from tenants.notices.preferences import MINUTES_PER_DAY, is_within_hours

MAX_RULES = 100
MAX_THRESHOLD = 10**12
THRESHOLD_DAYS = (1, 7, 28)
"""Numbers of complete days that a threshold of a metric can add up."""


@dataclass(frozen=True)
class ThresholdRange:
    """The valid thresholds of a kind, and their unit: posts, days, chats, hours or percent."""

    unit: str
    least: int
    most: int


THRESHOLDS: Mapping[AlertKind, ThresholdRange] = {
    AlertKind.FAILED_POSTS: ThresholdRange("posts", 1, 1000),
    AlertKind.EXPIRING_ACCESS: ThresholdRange("days", 1, 60),
    AlertKind.WAITING_CHATS: ThresholdRange("hours", 1, 24 * 7),
    AlertKind.REFUND_BURST: ThresholdRange("refunds", 1, 1000),
    AlertKind.NEGATIVE_COMMENTS: ThresholdRange("comments", 1, 1000),
    AlertKind.AGEING_APPROVALS: ThresholdRange("hours", 1, 24 * 30),
    AlertKind.COST_BUDGET: ThresholdRange("percent", 1, 100),
    AlertKind.STALE_DATA: ThresholdRange("hours", 12, 24 * 14),
}


@dataclass(frozen=True)
class RuleSettings:
    """The check of a rule and its notifications.

    `creator_id` is None for all creators. `threshold` is in the unit of the kind or metric (minor
    units of `currency` for amounts) and None for an anomaly. `quiet_from` and `quiet_until` are
    minutes after midnight in the creator's time zone.
    """

    kind: AlertKind
    metric: str = ""
    creator_id: UUID | None = None
    direction: AlertDirection = AlertDirection.BELOW
    threshold: int | None = None
    currency: str = ""
    days: int = 1
    route: AlertRoute = AlertRoute.DIGEST
    quiet_from: int | None = None
    quiet_until: int | None = None
    enabled: bool = True

    def is_quiet(self, at: datetime, zone: str) -> bool:
        """Return True if `at` (UTC-aware) is within the quiet hours of the rule."""
        if self.quiet_from is None or self.quiet_until is None:
            return False
        here = at.astimezone(ZoneInfo(zone))
        return is_within_hours(here.hour * 60 + here.minute, self.quiet_from, self.quiet_until)


@dataclass(frozen=True)
class AlertRule:
    """A rule of an agency. `code` names a default rule; it is empty for a rule that a member
    added."""

    id: UUID
    code: str
    settings: RuleSettings


def _anomaly(metric: str, direction: AlertDirection) -> RuleSettings:
    return RuleSettings(AlertKind.ANOMALY, metric, direction=direction)


def _condition(kind: AlertKind, threshold: int, route: AlertRoute) -> RuleSettings:
    return RuleSettings(kind, direction=AlertDirection.ABOVE, threshold=threshold, route=route)


DEFAULT_RULES: Mapping[str, RuleSettings] = {
    "revenue": _anomaly("net", AlertDirection.BELOW),
    "reach": _anomaly("views", AlertDirection.BELOW),
    "refund_burst": _condition(AlertKind.REFUND_BURST, 3, AlertRoute.NOW),
    "negative_comments": _condition(AlertKind.NEGATIVE_COMMENTS, 5, AlertRoute.NOW),
    "cost_budget": _condition(AlertKind.COST_BUDGET, 80, AlertRoute.DIGEST),
    "stale_data": _condition(AlertKind.STALE_DATA, 36, AlertRoute.DIGEST),
    # Each of these already has its own notification; the alert sums them up in the list.
    "failed_posts": _condition(AlertKind.FAILED_POSTS, 1, AlertRoute.LIST),
    "expiring_access": _condition(AlertKind.EXPIRING_ACCESS, 7, AlertRoute.LIST),
    "waiting_chats": _condition(AlertKind.WAITING_CHATS, 2, AlertRoute.LIST),
    "ageing_approvals": _condition(AlertKind.AGEING_APPROVALS, 24, AlertRoute.LIST),
}
"""The rules of an agency that has changed none, by code."""


def list_rules(scope: Scope) -> list[AlertRule]:
    """Return the rules of the agency: default ones first, then added ones, oldest first."""
    rows = {
        row.id: row
        for row in scope.session.exec(
            select(AlertRuleRow)
            .where(AlertRuleRow.tenant_id == scope.tenant_id)
            .execution_options(populate_existing=True)
        )
    }
    found = []
    for code, usual in DEFAULT_RULES.items():
        rule_id = _default_rule_id(scope, code)
        row = rows.pop(rule_id, None)
        found.append(AlertRule(rule_id, code, usual if row is None else _settings_from_row(row)))
    added = sorted(rows.values(), key=lambda row: row.id)
    return [*found, *(AlertRule(row.id, "", _settings_from_row(row)) for row in added)]


def get_rule(scope: Scope, rule_id: UUID) -> AlertRule:
    """Return a rule. Raises NotFound."""
    for one in list_rules(scope):
        if one.id == rule_id:
            return one
    raise NotFound("alert.rule_unknown")


def lock_rules(scope: Scope) -> None:
    """Wait until no other transaction changes the rules of the agency."""
    scope.lock("alert_rules")


def require_change(settings: RuleSettings, creators: Collection[UUID], *, limited: bool) -> None:
    """Check the rule as stored, or as it will be, for a change by someone with these creators.

    `limited` means that these are only some of the agency's creators. Raises NotFound for a rule of
    another creator, and Refused for a rule of the whole agency if `limited`.
    """
    if settings.creator_id is None:
        if limited:
            raise Refused("alert.agency_rule_only")
    elif settings.creator_id not in creators:
        raise NotFound("alert.rule_unknown")


def add_rule(scope: Scope, rule_id: UUID, settings: RuleSettings) -> AlertRule:
    """Add a rule; a repeated call with the same ID changes nothing.

    Raises BadInput, and Conflict if the agency has `MAX_RULES` rules.
    """
    lock_rules(scope)
    rules = list_rules(scope)
    known = next((one for one in rules if one.id == rule_id), None)
    if known is not None:
        return known
    if len(rules) >= MAX_RULES:
        raise Conflict("alert.too_many_rules", most=MAX_RULES)
    check_settings(scope, settings)
    return _store_rule(scope, AlertRule(rule_id, "", settings))


def change_rule(scope: Scope, rule_id: UUID, settings: RuleSettings) -> AlertRule:
    """Change a rule. Raises BadInput, NotFound, and Conflict if the kind or the metric of a default
    rule would change."""
    lock_rules(scope)
    rule = get_rule(scope, rule_id)
    check_settings(scope, settings)
    before = rule.settings
    if rule.code and (settings.kind, settings.metric) != (before.kind, before.metric):
        raise Conflict("alert.default_rule")
    return _store_rule(scope, replace(rule, settings=settings))


def delete_rule(scope: Scope, rule_id: UUID) -> None:
    """Delete an added rule, or reset a default one. Its alerts close at the next check.

    Raises NotFound.
    """
    lock_rules(scope)
    get_rule(scope, rule_id)
    row = scope.session.get(AlertRuleRow, (scope.tenant_id, rule_id))
    if row is not None:
        scope.session.delete(row)


def _default_rule_id(scope: Scope, code: str) -> UUID:
    return derived_uuid(scope.tenant_id, "alert rule", code)


def _store_rule(scope: Scope, rule: AlertRule) -> AlertRule:
    key = (scope.tenant_id, rule.id)
    one = rule.settings
    row = scope.session.get(AlertRuleRow, key) or AlertRuleRow(
        tenant_id=scope.tenant_id, id=rule.id, kind=str(one.kind)
    )
    row.code = rule.code
    row.kind = str(one.kind)
    row.metric = one.metric
    row.creator_id = one.creator_id
    row.direction = str(one.direction)
    row.threshold = one.threshold
    row.currency = one.currency
    row.days = one.days
    row.route = str(one.route)
    row.quiet_from = one.quiet_from
    row.quiet_until = one.quiet_until
    row.enabled = one.enabled
    scope.add(row)
    return rule


def _settings_from_row(row: AlertRuleRow) -> RuleSettings:
    return RuleSettings(
        AlertKind(row.kind),
        row.metric,
        row.creator_id,
        AlertDirection(row.direction),
        row.threshold,
        row.currency,
        row.days,
        AlertRoute(row.route),
        row.quiet_from,
        row.quiet_until,
        row.enabled,
    )


def check_settings(scope: Scope, one: RuleSettings) -> None:
    """Raise BadInput for a rule that cannot be checked, and NotFound for an unknown creator."""
    if one.creator_id is not None:
        if one.kind in AGENCY_KINDS:
            raise BadInput("alert.agency_rule")
        queries.get_creator(scope, one.creator_id)
    _check_quiet_hours(one.quiet_from, one.quiet_until)
    if one.kind is AlertKind.ANOMALY:
        _check_metric(one)
        if one.threshold is not None or one.currency or one.days != 1:
            raise BadInput("alert.no_threshold").about("limit")
    elif one.kind is AlertKind.THRESHOLD:
        _check_metric(one)
        _check_limit(one.threshold, 0, MAX_THRESHOLD)
        if one.days not in THRESHOLD_DAYS:
            raise BadInput("alert.days")
        wanted = has_currency(one.metric)
        if wanted != bool(one.currency) or (wanted and not _is_ledger_currency(one.currency)):
            raise BadInput("alert.currency")
    else:
        limits = THRESHOLDS[one.kind]
        _check_limit(one.threshold, limits.least, limits.most)
        if one.metric or one.currency or one.days != 1:
            raise BadInput("alert.no_metric")


def parse_limit(text: str, currency: str) -> int:
    """Return a typed threshold: minor units of the currency, or a whole number. Raises BadInput."""
    try:
        return parse_money(text, currency).minor if currency else int("".join(text.split()))
    except ValueError as error:
        raise BadInput("alerts.limit_wrong").about("limit") from error


def _is_ledger_currency(code: str) -> bool:
    """Return True if sales can be in the currency: money, Stars, or test money."""
    return is_currency(code) or code in (STARS, TEST_CURRENCY)


def _check_metric(one: RuleSettings) -> None:
    if not is_alert_metric(one.metric):
        raise BadInput("alert.metric")


def _check_limit(limit: int | None, least: int, most: int) -> None:
    if limit is None or not least <= limit <= most:
        raise BadInput("alert.threshold", least=least, most=most).about("limit")


def _check_quiet_hours(start: int | None, end: int | None) -> None:
    if start is None and end is None:
        return
    if start is None or end is None or start == end:
        raise BadInput("notification.quiet")
    if not (0 <= start < MINUTES_PER_DAY and 0 <= end < MINUTES_PER_DAY):
        raise BadInput("notification.quiet")
