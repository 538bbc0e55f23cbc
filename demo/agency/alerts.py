"""Alerts of the demo agency: two rules with limits, whose alerts are open from the start."""

from uuid import UUID

from demo.agency.cast import CURRENCY
from foundation.db.database import Scope
from foundation.ids import derived_uuid
from insights.alerts import evaluation, rules
from insights.alerts.rules import RuleSettings
from insights.alerts.states import AlertDirection, AlertKind, AlertRoute

LIMITS = {
    "month": RuleSettings(
        AlertKind.THRESHOLD,
        "net",
        threshold=1_000_000,
        currency=CURRENCY,
        days=28,
        route=AlertRoute.LIST,
    ),
    "week": RuleSettings(
        AlertKind.THRESHOLD,
        "views",
        direction=AlertDirection.ABOVE,
        threshold=100,
        days=7,
        route=AlertRoute.LIST,
    ),
}


def open_demo_alerts(scope: Scope) -> None:
    """Add the rules and check all rules once. Repeatable."""
    for name, settings in LIMITS.items():
        rule_id: UUID = derived_uuid(scope.tenant_id, "demo alert rule", name)
        rules.add_rule(scope, rule_id, settings)
    scope.session.flush()
    evaluation.evaluate_rules(scope, {})
