"""Alerts of the demo agency: rules with limits, whose alerts are open from the start."""

from collections.abc import Sequence

from demo.agency.cast import CURRENCY, LUMIERE, MIA, NOVA
from demo.agency.people import DEMO_ACTOR
from foundation.db.database import OpenScope, Scope
from foundation.ids import derived_uuid
from insights.alerts import evaluation, rules
from insights.alerts.rules import RuleSettings
from insights.alerts.states import AlertDirection, AlertKind, AlertRoute
from tenants.agencies.queries import get_creator


def open_demo_alerts(tenant: OpenScope) -> None:
    """Add the rules of the first agency and check all rules once. Repeatable."""
    with tenant(LUMIERE.tenant_id, DEMO_ACTOR) as scope:
        for number, settings in enumerate(_list_limits(scope)):
            rule_id = derived_uuid(scope.tenant_id, "demo alert rule", number)
            rules.add_rule(scope, rule_id, settings)
        scope.session.flush()
        evaluation.evaluate_rules(scope, {})


def _list_limits(scope: Scope) -> Sequence[RuleSettings]:
    return (
        RuleSettings(
            AlertKind.THRESHOLD,
            "net",
            get_creator(scope, MIA.slug).id,
            threshold=90_000,
            currency=CURRENCY,
            days=28,
            route=AlertRoute.LIST,
        ),
        RuleSettings(
            AlertKind.THRESHOLD,
            "views",
            get_creator(scope, NOVA.slug).id,
            AlertDirection.ABOVE,
            threshold=10_000,
            days=7,
            route=AlertRoute.LIST,
        ),
    )
