"""Recheck of consumed permits, for files that are served while a platform fetches them."""

from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import Scope
from gate.contract.facts import parse_snapshot, parse_unit
from gate.contract.reasons import Reason
from gate.decision.decide import decide_unit
from gate.evidence import snapshot
from gate.policy import active_policy

_LET_OUT = """
SELECT i.unit, i.snapshot, d.author, p.recalled_at, p.gone_at, p.state FROM permits p
JOIN decisions d ON d.tenant_id = p.tenant_id AND d.id = p.decision_id
JOIN decision_inputs i ON i.tenant_id = p.tenant_id AND i.id = p.decision_id
WHERE p.tenant_id = :tenant AND p.id = :jti
"""


@dataclass(frozen=True)
class PermitValidity:
    """The result of a recheck; `reasons` are empty if the content may still be shown."""

    reasons: tuple[Reason, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Return True if the content may still be shown."""
        return not self.reasons


def recheck_permit(scope: Scope, jti: UUID) -> PermitValidity:
    """Judge the unit of a consumed permit again with current evidence. Nothing is logged."""
    row = scope.run(_LET_OUT, tenant=scope.tenant_id, jti=jti).one_or_none()
    if row is None or row.state != "consumed" or row.gone_at is not None:
        return PermitValidity((Reason.PERMIT_EXPIRED,))
    if row.recalled_at is not None:
        return PermitValidity((Reason.RECALL_IN_PROGRESS,))
    unit = parse_unit(row.unit)
    before = parse_snapshot(row.snapshot)
    by = active_policy.current_policy(scope)
    facts, now = snapshot.gather_snapshot(
        scope, unit, author=row.author, own_hosts=before.own_hosts, by=by
    )
    decision = decide_unit(facts, unit, by.bundle, now)
    return PermitValidity() if decision.is_allowed else PermitValidity(decision.reasons)
