"""Queries of the policy: confirmations of platforms by owners."""

from collections.abc import Collection
from datetime import date

from foundation.db.database import Scope
from gate.contract.facts import PlatformConfirmation
from gate.contract.units import Unit
from gate.policy.bundle import Bundle

_CONFIRMATIONS = """
SELECT platform, written, read_on, until FROM platform_confirmations
WHERE tenant_id = :tenant AND platform = ANY(:platforms) ORDER BY until, id
"""


def unit_confirmations(
    scope: Scope, unit: Unit, rules: Bundle, on: date
) -> tuple[PlatformConfirmation, ...]:
    """Return the confirmations of the platforms whose rules for the surface of a unit are past
    their review date. Without such rules, no statement runs."""
    names = rules.overdue_rows(unit.platform, unit.surface, on=on)
    return list_confirmations(scope, {rules.rows[name].platform for name in names})


def list_confirmations(
    scope: Scope, platforms: Collection[str]
) -> tuple[PlatformConfirmation, ...]:
    """Return the confirmations of these platforms by owners of this agency, by their end."""
    if not platforms:
        return ()
    rows = scope.run(_CONFIRMATIONS, tenant=scope.tenant_id, platforms=sorted(platforms))
    return tuple(
        PlatformConfirmation(row.platform, row.written, row.read_on, row.until) for row in rows
    )
