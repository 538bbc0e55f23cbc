"""Alerts and alert rules at the terminal, in the name of a member."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.wall_time import load_zone, parse_clock_time
from insights.alerts import alerts, backtests, rules
from insights.alerts.alerts import Alert
from insights.alerts.rules import AlertRule, RuleSettings
from insights.alerts.states import METRIC_KINDS, AlertDirection, AlertKind, AlertRoute
from insights.predictions.evidence import NotEnoughData
from tenants.agencies import queries
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import Right, require_right
from workers.terminal.lookup import find_member
from workers.terminal.output import print_progress, translate
from workers.terminal.tables import format_json, format_table
from workers.wiring import Services


@dataclass(frozen=True)
class RuleRequest:
    """A rule as typed. `creator` is a name or empty for all creators, `threshold` a number or an
    amount of `currency`, `quiet` empty or two local times such as `22:00-07:00`."""

    kind: str
    metric: str
    creator: str
    direction: str
    threshold: str
    currency: str
    days: int
    route: str
    quiet: str


@dataclass(frozen=True)
class _Reader:
    """A member with an open scope, and the creators that the member works for, by ID."""

    scope: Scope
    member: Member
    creators: Mapping[UUID, Creator]

    def name_of(self, creator_id: UUID | None) -> str:
        """Return the name of a creator; empty for all creators."""
        found = self.creators.get(creator_id) if creator_id is not None else None
        return found.name if found is not None else ""


@contextmanager
def _act_as(services: Services, email: str, right: Right) -> Iterator[_Reader]:
    """Open a scope as a member who has the right. Raises NotFound, BadInput and Refused."""
    tenant_id, member = find_member(services, email)
    require_right(member.role, right)
    with services.tenant(tenant_id, f"member:{member.id}") as scope:
        creators = {
            one.id: one for one in queries.list_creators(scope) if member.works_for(one.slug)
        }
        yield _Reader(scope, member, creators)


def render_alerts(services: Services, email: str, *, closed: bool, as_json: bool) -> str:
    """Return the alerts that a member may see as a table or as JSON. Raises NotFound."""
    with _act_as(services, email, Right.MONEY) as reader:
        creators = reader.creators.values()
        found = alerts.list_alerts(reader.scope, reader.member, creators, closed=closed)
    if as_json:
        return format_json([_alert_fields(reader, one) for one in found])
    if not found:
        return translate(Message("cli.alerts.none"))
    zone = load_zone(reader.member.zone)
    rows = [
        (
            str(one.id),
            f"{one.opened_at.astimezone(zone):%Y-%m-%d %H:%M}",
            translate(Message(f"cli.alerts.state.{_state_of(one)}")),
            translate(alerts.describe_alert(one, reader.name_of(one.creator_id))),
        )
        for one in found
    ]
    return format_table(("id", "opened", "state", "text"), rows)


def _state_of(one: Alert) -> str:
    if one.resolved_at is not None:
        return "closed"
    return "acknowledged" if one.acknowledged_at is not None else "open"


def _alert_fields(reader: _Reader, one: Alert) -> dict[str, object]:
    return {
        "id": one.id,
        "rule_id": one.rule_id,
        "kind": one.kind,
        "metric": one.metric,
        "creator": reader.name_of(one.creator_id),
        "state": _state_of(one),
        "opened_at": one.opened_at,
        "expected": one.expected,
        "seen": one.seen,
        "currency": one.currency,
        "text": alerts.describe_alert(one, reader.name_of(one.creator_id)),
    }


def acknowledge_open_alert(services: Services, email: str, alert_id: UUID) -> None:
    """Acknowledge an alert as a member. Raises NotFound, Refused, and Conflict if it is closed."""
    with _act_as(services, email, Right.RUN) as reader:
        scope = reader.scope
        alerts.get_alert(scope, reader.member, reader.creators.values(), alert_id)
        alerts.acknowledge_alert(scope, alert_id, actor=scope.actor)
    print_progress(Message("cli.alerts.acknowledged"))


def render_rules(services: Services, email: str, *, as_json: bool) -> str:
    """Return the rules that a member may see as a table or as JSON. Raises NotFound."""
    with _act_as(services, email, Right.MONEY) as reader:
        found = [one for one in rules.list_rules(reader.scope) if _is_about(one, reader)]
    if as_json:
        return format_json(found)
    rows = [
        (
            str(one.id),
            translate(Message(f"alerts.kind.{one.settings.kind}")),
            _metric_name(one),
            reader.name_of(one.settings.creator_id),
            translate(Message(f"alerts.route.{one.settings.route}")),
            translate(Message(f"cli.alerts.{'on' if one.settings.enabled else 'off'}")),
        )
        for one in found
    ]
    return format_table(("id", "check", "figure", "creator", "notification", "state"), rows)


def _metric_name(one: AlertRule) -> str:
    metric = one.settings.metric
    return translate(Message(f"metric.{metric}")) if metric else ""


def _is_about(rule: AlertRule, reader: _Reader) -> bool:
    return rule.settings.creator_id is None or rule.settings.creator_id in reader.creators


def add_or_test_rule(services: Services, email: str, request: RuleRequest, *, test: bool) -> str:
    """Add a rule and return its ID with the result of its backtest; with `test`, save nothing and
    return the result alone.

    Raises BadInput for an invalid rule, NotFound for an unknown creator, and Refused for a rule of
    all creators by a member who works for some.
    """
    with _act_as(services, email, Right.RUN) as reader:
        settings = _build_settings(reader, request)
        limited = bool(reader.member.creators)
        rules.require_change(settings, reader.creators, limited=limited)
        if test:
            rules.check_settings(reader.scope, settings)
            return _test(reader, AlertRule(uuid7(), "", settings))
        made = rules.add_rule(reader.scope, uuid7(), settings)
        return f"{made.id}\n{_test(reader, made)}"


def render_backtest(services: Services, email: str, rule_id: UUID, *, as_json: bool) -> str:
    """Return how many alerts a rule would have opened. Raises NotFound."""
    with _act_as(services, email, Right.MONEY) as reader:
        rule = rules.get_rule(reader.scope, rule_id)
        if not _is_about(rule, reader):
            raise NotFound("alert.rule_unknown")
        if as_json:
            found = backtests.backtest_rule(reader.scope, rule, reader.creators.values())
            return format_json({"enough_data": not isinstance(found, NotEnoughData), **vars(found)})
        return _test(reader, rule)


def _test(reader: _Reader, rule: AlertRule) -> str:
    found = backtests.backtest_rule(reader.scope, rule, reader.creators.values())
    return translate(backtests.describe_backtest(found))


def _build_settings(reader: _Reader, request: RuleRequest) -> RuleSettings:
    kind = AlertKind(request.kind)
    usual = AlertDirection.BELOW if kind in METRIC_KINDS else AlertDirection.ABOVE
    quiet_from, quiet_until = _parse_quiet(request.quiet)
    return RuleSettings(
        kind,
        request.metric,
        queries.get_creator(reader.scope, request.creator).id if request.creator else None,
        AlertDirection(request.direction) if request.direction else usual,
        rules.parse_limit(request.threshold, request.currency) if request.threshold else None,
        request.currency,
        request.days,
        AlertRoute(request.route),
        quiet_from,
        quiet_until,
    )


def _parse_quiet(typed: str) -> tuple[int | None, int | None]:
    """Return the minutes after midnight of two times. Raises BadInput."""
    if not typed:
        return None, None
    try:
        start, end = (parse_clock_time(one.strip()) for one in typed.split("-"))
    except ValueError as error:
        raise BadInput("notification.quiet") from error
    return start.hour * 60 + start.minute, end.hour * 60 + end.minute
