"""Requests and responses about alerts and alert rules."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from insights.alerts import rules
from insights.alerts.alerts import Alert, describe_alert
from insights.alerts.backtests import Backtest
from insights.alerts.rules import AlertRule, RuleSettings
from insights.alerts.states import AlertDirection, AlertEnd, AlertKind, AlertRoute
from insights.predictions.evidence import NotEnoughData
from tenants.agencies.queries import Creator
from web.api.common.schemas import (
    ClockText,
    CreatorPageQuery,
    ReasonOut,
    RequestModel,
    StorableText,
    example_config,
    parse_clock,
    reason_out,
)


class AlertsQuery(CreatorPageQuery):
    """Filters of the list. Closed alerts are listed for 30 days."""

    state: Literal["open", "closed"] = "open"


class AlertOut(BaseModel):
    """An alert. `expected` and `seen` are in minor units of `currency`, or numbers if it is "".

    `expected` is the expected value, or the limit of the rule.
    """

    id: UUID
    rule_id: UUID
    kind: AlertKind
    metric: str
    creator_id: UUID | None
    direction: AlertDirection
    currency: str
    expected: int | None
    seen: int
    since: datetime
    data_at: datetime | None
    opened_at: datetime
    acknowledged_at: datetime | None
    snoozed_until: datetime | None
    closed_at: datetime | None
    closed_because: AlertEnd | None
    text: ReasonOut

    @classmethod
    def of(cls, one: Alert, creator: Creator | None) -> "AlertOut":
        """Build the response for an alert."""
        text = reason_out(describe_alert(one, creator.name if creator is not None else ""))
        if text is None:
            raise ValueError("every alert has a text")
        return cls(
            id=one.id,
            rule_id=one.rule_id,
            kind=one.kind,
            metric=one.metric,
            creator_id=one.creator_id,
            direction=one.direction,
            currency=one.currency,
            expected=one.expected,
            seen=one.seen,
            since=one.since,
            data_at=one.data_at,
            opened_at=one.opened_at,
            acknowledged_at=one.acknowledged_at,
            snoozed_until=one.snoozed_until,
            closed_at=one.resolved_at,
            closed_because=one.resolution,
            text=text,
        )


class AlertPage(BaseModel):
    """One page of alerts. `next` is the cursor of the next page, or null."""

    items: list[AlertOut]
    next: str | None


class SnoozeIn(RequestModel):
    """The length of a snooze."""

    days: Literal[1, 3, 7]


class AlertRuleIn(RequestModel):
    """A rule. Without `creator_id` it checks all creators.

    `anomaly` and `threshold` need a `metric` of the catalogue; `currency` belongs to thresholds of
    amounts, which are in minor units. All kinds but `anomaly` need a `threshold`.
    """

    model_config = example_config(
        {
            "kind": "threshold",
            "metric": "net",
            "threshold": 25_000,
            "currency": "EUR",
            "days": 7,
            "route": "digest",
        }
    )

    kind: AlertKind
    metric: Annotated[StorableText, Field(max_length=40)] = ""
    creator_id: UUID | None = None
    direction: AlertDirection = AlertDirection.BELOW
    threshold: Annotated[int | None, Field(ge=0, le=rules.MAX_THRESHOLD)] = None
    currency: Annotated[StorableText, Field(max_length=3)] = ""
    days: Literal[1, 7, 28] = 1
    route: AlertRoute = AlertRoute.DIGEST
    quiet_from: ClockText | None = None
    quiet_until: ClockText | None = None
    enabled: bool = True

    def to_settings(self) -> RuleSettings:
        """Return the value that `insights` expects."""
        return RuleSettings(
            self.kind,
            self.metric,
            self.creator_id,
            self.direction,
            self.threshold,
            self.currency,
            self.days,
            self.route,
            _to_minutes(self.quiet_from),
            _to_minutes(self.quiet_until),
            self.enabled,
        )


class AlertRuleOut(BaseModel):
    """A rule. `code` names a default rule; it is "" for a rule that was added."""

    id: UUID
    code: str
    kind: AlertKind
    metric: str
    creator_id: UUID | None
    direction: AlertDirection
    threshold: int | None
    currency: str
    days: int
    route: AlertRoute
    quiet_from: str | None
    quiet_until: str | None
    enabled: bool

    @classmethod
    def of(cls, rule: AlertRule) -> "AlertRuleOut":
        """Build the response for a rule."""
        one = rule.settings
        return cls(
            id=rule.id,
            code=rule.code,
            kind=one.kind,
            metric=one.metric,
            creator_id=one.creator_id,
            direction=one.direction,
            threshold=one.threshold,
            currency=one.currency,
            days=one.days,
            route=one.route,
            quiet_from=_to_clock(one.quiet_from),
            quiet_until=_to_clock(one.quiet_until),
            enabled=one.enabled,
        )


class AlertRulePage(BaseModel):
    """One page of rules. `next` is the cursor of the next page, or null."""

    items: list[AlertRuleOut]
    next: str | None


class BacktestOut(BaseModel):
    """The number of alerts that a rule would have opened in the last `days` days.

    `replayed` is false for a rule about the present state: the alerts that it opened are counted.
    Without enough data, `alerts` is null, and `have_days` of `need_days` exist.
    """

    alerts: int | None = None
    days: int | None = None
    replayed: bool = True
    have_days: int | None = None
    need_days: int | None = None
    expected_on: date | None = None

    @classmethod
    def of(cls, found: Backtest | NotEnoughData) -> "BacktestOut":
        """Build the response for a backtest."""
        if isinstance(found, NotEnoughData):
            return cls(have_days=found.have, need_days=found.need, expected_on=found.expected_on)
        return cls(alerts=found.alerts, days=found.days, replayed=found.is_replayed)


def _to_minutes(said: str | None) -> int | None:
    if said is None:
        return None
    at = parse_clock(said)
    return at.hour * 60 + at.minute


def _to_clock(minutes: int | None) -> str | None:
    return None if minutes is None else f"{minutes // 60:02}:{minutes % 60:02}"
