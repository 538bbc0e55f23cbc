"""What would be decided now of what a permit let out: for files that are handed out while a platform fetches them."""

from dataclasses import dataclass
from uuid import UUID

from foundation.database import Scope
from gate import evidence, inforce
from gate.decide import decide
from gate.facts import read_snapshot, read_unit
from gate.reasons import Reason

_LET_OUT = """
SELECT i.unit, i.snapshot, d.author, p.recalled_at, p.gone_at, p.state FROM permits p
JOIN decisions d ON d.tenant_id = p.tenant_id AND d.id = p.decision_id
JOIN decision_inputs i ON i.tenant_id = p.tenant_id AND i.id = p.decision_id
WHERE p.tenant_id = :tenant AND p.id = :jti
"""


@dataclass(frozen=True)
class Standing:
    """Whether what a permit let out may still be seen; `reasons` are why not."""

    reasons: tuple[Reason, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether it may."""
        return not self.reasons


def standing(scope: Scope, jti: UUID) -> Standing:
    """Judge the unit of a consumed permit again, with all evidence read anew; nothing is written."""
    row = scope.run(_LET_OUT, tenant=scope.tenant_id, jti=jti).one_or_none()
    if row is None or row.state != "consumed" or row.gone_at is not None:
        return Standing((Reason.PERMIT_EXPIRED,))
    if row.recalled_at is not None:
        return Standing((Reason.RECALL_IN_PROGRESS,))
    unit, before, by = read_unit(row.unit), read_snapshot(row.snapshot), inforce.now(scope)
    facts, now = evidence.gather(scope, unit, author=row.author, own_hosts=before.own_hosts, by=by)
    decision = decide(facts, unit, by.rules, now)
    return Standing() if decision.allowed else Standing(decision.reasons)
