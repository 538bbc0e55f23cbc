"""Alerts on the command line: rules are added, tested against the past, and acknowledged."""

import json
from uuid import UUID

import pytest

from foundation.errors import BadInput, NotFound, Refused
from insights.alerts import rules
from insights.alerts.models import AlertRow
from insights.alerts.states import AlertDirection, AlertKind, AlertRoute
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.studio.builders import CreatorStudio
from tests.studio.conftest import nova, services
from workers.cli import alerts
from workers.cli.alert_requests import (
    RuleRequest,
    acknowledge_open_alert,
    add_or_test_rule,
    render_alerts,
    render_backtest,
    render_rules,
)

__all__ = ["nova", "services"]

NET = RuleRequest("threshold", "net", "nova", "", "49.90", "EUR", 7, "now", "22:00-07:00")


@pytest.fixture
def manager(nova: CreatorStudio) -> str:
    """Add a manager and return the email address."""
    return add_member(nova, Role.MANAGER)


def add_member(nova: CreatorStudio, role: Role) -> str:
    email = f"{role}-{nova.tenant_id}@example.test"
    with nova.scope() as scope:
        agencies.add_member(
            scope, name="Ada", email=email, role=role, language="en", zone="Europe/Paris"
        )
    return email


def test_rule_is_tested_before_it_is_added(nova: CreatorStudio, manager: str) -> None:
    before = render_rules(nova.services, manager, as_json=True)
    said = add_or_test_rule(nova.services, manager, NET, test=True)
    assert "0 of 6 days" in said
    assert render_rules(nova.services, manager, as_json=True) == before, "a test saves nothing"
    rule_id = UUID(add_or_test_rule(nova.services, manager, NET, test=False).splitlines()[0])
    with nova.scope() as scope:
        stored = rules.get_rule(scope, rule_id).settings
    assert (stored.threshold, stored.currency, stored.days) == (4990, "EUR", 7)
    assert (stored.creator_id, stored.direction) == (nova.creator_id, AlertDirection.BELOW)
    assert (stored.quiet_from, stored.quiet_until) == (22 * 60, 7 * 60)
    found = json.loads(render_backtest(nova.services, manager, rule_id, as_json=True))
    assert (found["enough_data"], found["have"], found["unit"]) == (False, 0, "days")
    assert str(rule_id) in render_rules(nova.services, manager, as_json=False)


@pytest.mark.parametrize(
    "change", [{"threshold": "many"}, {"quiet": "late"}, {"currency": ""}, {"metric": "unknown"}]
)
def test_invalid_rule_is_refused(nova: CreatorStudio, manager: str, change: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        add_or_test_rule(nova.services, manager, RuleRequest(**{**vars(NET), **change}), test=False)


def test_alert_is_listed_and_acknowledged_by_members_who_run_the_agency(
    nova: CreatorStudio, manager: str
) -> None:
    assert render_alerts(nova.services, manager, closed=False, as_json=False) == "No alerts."
    with nova.scope() as scope:
        row = AlertRow(
            tenant_id=nova.tenant_id,
            rule_id=rules.list_rules(scope)[0].id,
            kind="anomaly",
            metric="net",
            creator_id=nova.creator_id,
            series=f"{nova.creator_id}:EUR",
            currency="EUR",
            day=scope.now.date(),
            since=scope.now,
            expected=200,
            seen=100,
        )
        scope.add(row)
        alert_id = row.id
    creator = add_member(nova, Role.CREATOR)
    with pytest.raises(Refused):
        acknowledge_open_alert(nova.services, creator, alert_id)
    acknowledge_open_alert(nova.services, manager, alert_id)
    (found,) = json.loads(render_alerts(nova.services, manager, closed=False, as_json=True))
    assert (found["id"], found["state"], found["seen"]) == (str(alert_id), "acknowledged", 100)
    with pytest.raises(NotFound):
        acknowledge_open_alert(nova.services, manager, nova.creator_id)


def test_the_command_offers_all_kinds_directions_and_routes() -> None:
    assert [str(one) for one in alerts.KindName] == [str(one) for one in AlertKind]
    assert [str(one) for one in alerts.DirectionName] == [str(one) for one in AlertDirection]
    assert [str(one) for one in alerts.RouteName] == [str(one) for one in AlertRoute]
