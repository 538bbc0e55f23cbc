"""The hourly check of all rules of an agency. It opens, updates and closes alerts and notices.

The check is idempotent: a rule has at most one open alert for each series, and one row for each
series and day. The alerts of one check form one message to a member (`member_messages`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput
from foundation.ids import derived_uuid
from foundation.ops.wall_time import load_zone, local_day
from insights.alerts import anomalies, findings
from insights.alerts.alerts import (
    Alert,
    alert_from_row,
    close_notices,
    describe_alert,
    lock_alerts,
)
from insights.alerts.daily_metrics import load_data_ages
from insights.alerts.events import AlertsDue
from insights.alerts.findings import AlertContext, Finding
from insights.alerts.models import AlertRow
from insights.alerts.rules import AlertRule, list_rules
from insights.alerts.states import METRIC_KINDS, AlertEnd, AlertKind, AlertRoute
from studio.costs.spending_caps import SpendingCaps
from tenants.agencies import queries
from tenants.agencies.queries import Creator
from tenants.agencies.states import CreatorState
from tenants.notices import notices

CHECKING = "system:alerts"

STALE_AFTER = timedelta(hours=36)
"""Age of the data of a metric from which its rules are suspended."""


def check_alerts(event: AlertsDue, *, tenant: OpenScope, caps: SpendingCaps) -> None:
    """Check all rules of an agency."""
    with tenant(event.tenant_id, CHECKING) as scope:
        evaluate_rules(scope, caps)


@dataclass(frozen=True)
class _Result:
    """The findings of a check. `suspended` are the rules and series that could not be checked:
    their open alerts do not change."""

    found: Mapping[tuple[UUID, str], Finding]
    suspended: frozenset[tuple[UUID, str]]


def evaluate_rules(scope: Scope, caps: SpendingCaps) -> int:
    """Open, update and close the alerts of the agency, and return the number of open ones.

    Idempotent. Waits for a concurrent check of the same agency.
    """
    lock_alerts(scope)
    creators = {
        one.id: one
        for one in queries.list_creators(scope)
        if one.state is CreatorState.ACTIVE and _has_known_zone(one)
    }
    context = AlertContext(creators, load_data_ages(scope, creators), caps)
    rules = list_rules(scope)
    result = _check_rules(scope, [one for one in rules if one.settings.enabled], context)
    opened = _update_rows(scope, rules, result, context)
    _update_notices(scope, {one.id: one for one in rules}, opened, context)
    return len(opened)


def _has_known_zone(creator: Creator) -> bool:
    """Return False for a creator whose days are unknown; the others are checked."""
    try:
        load_zone(creator.zone)
    except BadInput:
        return False
    return True


def _check_rules(scope: Scope, rules: Sequence[AlertRule], context: AlertContext) -> _Result:
    found: list[Finding] = []
    suspended: set[tuple[UUID, str]] = set()
    tests = 0
    known = _open_keys(scope)
    for rule in rules:
        covered = _covered_creators(rule, context)
        if rule.settings.kind not in METRIC_KINDS:
            inside = AlertContext({one.id: one for one in covered}, context.ages, context.caps)
            found += findings.check_condition(scope, rule, inside)
            continue
        fresh = [one for one in covered if not _is_stale(scope, rule, one, context)]
        result = findings.check_metric_rule(scope, rule, fresh, context)
        found += result.found
        if rule.settings.kind is AlertKind.ANOMALY:
            tests += len(result.tested)
        covered_keys = {str(one.id) for one in covered}
        suspended |= {
            key
            for key in known
            if key[0] == rule.id
            and key[1].partition(":")[0] in covered_keys
            and key[1] not in result.tested
        }
    chosen = _limit_false_alarms(found, tests, known)
    return _Result({(one.rule.id, one.series): one for one in chosen}, frozenset(suspended))


def _covered_creators(rule: AlertRule, context: AlertContext) -> list[Creator]:
    only = rule.settings.creator_id
    return [one for one in context.creators.values() if only in (None, one.id)]


def _is_stale(scope: Scope, rule: AlertRule, creator: Creator, context: AlertContext) -> bool:
    return context.age_of(creator.id).is_stale(rule.settings.metric, scope.now, STALE_AFTER)


def _open_keys(scope: Scope) -> set[tuple[UUID, str]]:
    return {(row.rule_id, row.series) for row in _list_open_rows(scope)}


def _list_open_rows(scope: Scope) -> list[AlertRow]:
    return list(
        scope.session.exec(
            select(AlertRow)
            .where(AlertRow.tenant_id == scope.tenant_id, col(AlertRow.resolved_at).is_(None))
            .order_by(col(AlertRow.id))
            .execution_options(populate_existing=True)
        )
    )


def _limit_false_alarms(
    found: Iterable[Finding], tests: int, known: set[tuple[UUID, str]]
) -> list[Finding]:
    """Return the findings to report. New anomalies must stand out among all tested series; those
    with an open alert have done so."""
    found = list(found)
    values = [one.p_value for one in found if one.p_value is not None]
    accepted = iter(anomalies.select_discoveries(values, tests))
    return [
        one
        for one in found
        if one.p_value is None or next(accepted) or (one.rule.id, one.series) in known
    ]


def _update_rows(
    scope: Scope, rules: Sequence[AlertRule], result: _Result, context: AlertContext
) -> list[Alert]:
    """Store the findings, close alerts without one, and return the open alerts."""
    active = {one.id for one in rules if one.settings.enabled}
    ended = []
    seen = set()
    for row in _list_open_rows(scope):
        key = (row.rule_id, row.series)
        finding = result.found.get(key)
        if finding is not None:
            first = row.since
            _describe_finding(row, finding)
            if finding.starts_now:
                row.since = first
        elif key not in result.suspended or row.rule_id not in active:
            row.resolved_at = scope.now
            row.resolution = str(AlertEnd.OVER if row.rule_id in active else AlertEnd.RULE_OFF)
            ended.append(alert_from_row(row))
        scope.add(row)
        seen.add(key)
    for key, finding in result.found.items():
        if key not in seen:
            _open_row(scope, finding, context)
    scope.session.flush()
    close_notices(scope, ended)
    return [alert_from_row(row) for row in _list_open_rows(scope)]


def _describe_finding(row: AlertRow, finding: Finding) -> None:
    row.since = finding.since
    row.seen = finding.seen
    row.expected = finding.expected
    row.data_at = finding.data_at


def _open_row(scope: Scope, finding: Finding, context: AlertContext) -> None:
    """Insert an alert, or open the one of the same day again."""
    settings = finding.rule.settings
    day = local_day(scope.now, _zone_of(scope, finding.creator_id, context))
    alert_id = derived_uuid(scope.tenant_id, "alert", finding.rule.id, finding.series, day)
    row = scope.session.get(AlertRow, (scope.tenant_id, alert_id), populate_existing=True)
    if row is None:
        row = AlertRow(
            tenant_id=scope.tenant_id,
            id=alert_id,
            rule_id=finding.rule.id,
            kind=str(settings.kind),
            metric=settings.metric,
            currency=finding.currency,
            creator_id=finding.creator_id,
            series=finding.series,
            direction=str(settings.direction),
            day=day,
            since=finding.since,
            seen=finding.seen,
        )
    row.resolved_at = None
    row.resolution = ""
    _describe_finding(row, finding)
    scope.add(row)


def _zone_of(scope: Scope, creator_id: UUID | None, context: AlertContext) -> str:
    creator = context.creators.get(creator_id) if creator_id is not None else None
    return creator.zone if creator is not None else queries.get_agency(scope).zone


def _update_notices(
    scope: Scope, rules: Mapping[UUID, AlertRule], opened: Sequence[Alert], context: AlertContext
) -> None:
    """Notify members of open alerts, unless the rule does not, is in its quiet hours, or the alert
    is acknowledged or snoozed."""
    for one in opened:
        rule = rules.get(one.rule_id)
        if rule is None or rule.settings.route is AlertRoute.LIST or one.is_silent(scope.now):
            close_notices(scope, [one])
            continue
        creator = context.creators.get(one.creator_id) if one.creator_id is not None else None
        message = describe_alert(one, creator.name if creator is not None else "")
        notices.update_message(scope, message, cause=one.cause)
        if rule.settings.is_quiet(scope.now, _zone_of(scope, one.creator_id, context)):
            continue
        notices.put(
            scope,
            message,
            cause=one.cause,
            urgent=rule.settings.route is AlertRoute.NOW,
            creator_id=one.creator_id,
        )
