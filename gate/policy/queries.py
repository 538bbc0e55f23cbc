"""Queries of the policy: re-verifications of rules by members."""

from collections.abc import Mapping
from datetime import date

from foundation.db.database import Scope
from gate.contract.facts import RuleVerification
from gate.contract.units import Rating, Unit, Verdict
from gate.policy.bundle import Bundle

_ACTIVE = """
SELECT "row", written, read_on, until, verdicts FROM attestations
WHERE tenant_id = :tenant AND "row" = ANY(:rows) AND state = 'active' ORDER BY created_at, id
"""


def unit_rule_verifications(
    scope: Scope, unit: Unit, rules: Bundle, on: date
) -> tuple[RuleVerification, ...]:
    """Return the re-verifications of the overdue rules of the surface of a unit. Without overdue
    rules, no statement runs."""
    names = rules.overdue_rows(unit.platform, unit.surface, on=on)
    return rule_verifications(scope, names) if names else ()


def rule_verifications(scope: Scope, names: tuple[str, ...]) -> tuple[RuleVerification, ...]:
    """Return the active re-verifications of these rows by two members of this agency."""
    rows = scope.run(_ACTIVE, tenant=scope.tenant_id, rows=list(names))
    return tuple(
        RuleVerification(
            row.row, row.written, row.read_on, row.until, _parse_verdicts(row.verdicts)
        )
        for row in rows
    )


def _parse_verdicts(stored: Mapping[str, str]) -> dict[Rating, Verdict]:
    return {Rating(rating): Verdict(verdict) for rating, verdict in sorted(stored.items())}
