"""Verification of expired rules: two members read the rule at its platform and find it unchanged.

A verification applies to the rule in its current text for 90 days. Stricter findings are stored
with it; looser ones are refused. Both members must be signed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import BadInput, Refused
from foundation.ids import uuid7
from gate.contract.units import Rating, Verdict
from gate.policy import active_policy
from gate.policy.bundle import VERIFICATION_PERIOD
from gate.policy.matrix import MatrixRow
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.auth import device_fingerprints

SECOND_READING_WINDOW = timedelta(days=7)
"""Time within which a second member must confirm the first reading."""


@dataclass(frozen=True)
class PendingVerification:
    """A first reading that awaits a second member."""

    id: UUID
    url: str
    by: UUID
    """The principal of the first member."""


_OPEN = """
SELECT id, url, by FROM attestations WHERE tenant_id = :tenant AND "row" = :row AND written =
:written
AND state = 'open' AND read_on > :since AND CAST(verdicts AS text) = CAST(CAST(:verdicts AS
jsonb) AS text)
ORDER BY created_at DESC, id DESC LIMIT 1
"""


def find_pending_verification(
    scope: Scope, row: MatrixRow, verdicts: Mapping[Rating, Verdict] | None = None
) -> PendingVerification | None:
    """Return the first reading of a rule in its current text that awaits a second member."""
    found = scope.run(
        _OPEN,
        tenant=scope.tenant_id,
        row=row.id,
        written=row.digest(),
        since=scope.now.date() - SECOND_READING_WINDOW,
        verdicts=canonical_json(dict(verdicts or {})).decode(),
    ).first()
    return None if found is None else PendingVerification(found.id, found.url, found.by)


def verify_rule(
    scope: Scope,
    name: str,
    url: str,
    *,
    read_on: date,
    verdicts: Mapping[Rating, Verdict] | None = None,
) -> bool:
    """Record that the acting member read the rule `name` at `url`; return True if it is now
    verified.

    `verdicts` are findings that are stricter than the rule. An owner reads first, then another
    member with the right to review. Raises Refused if the member lacks the right and for findings
    looser than the rule (ATTESTATION_INVALID); BadInput for a rule that does not expire, an address
    that is not the rule's, and a date in the future or more than a week ago.
    """
    row = _get_matrix_row(scope, name)
    if (
        url not in row.source_url
        or not scope.now.date() - SECOND_READING_WINDOW < read_on <= scope.now.date()
    ):
        raise BadInput("rule.not_read_so")
    found = dict(verdicts or {})
    if any(
        rating not in row.verdicts or each.rank < row.verdicts[rating].rank
        for rating, each in found.items()
    ):
        raise Refused("gate.ATTESTATION_INVALID")
    scope.lock(f"attest:{scope.tenant_id}:{name}")
    member = queries.get_acting_member(scope, "gate.ATTESTATION_INVALID")
    before = find_pending_verification(scope, row, found)
    if (
        before is not None
        and before.url == url
        and _is_another(scope, before.by, member.principal_id)
    ):
        require_right(member.role, Right.REVIEW)
        _record_second_reading(scope, name, before.id, member.principal_id)
        return True
    require_right(member.role, Right.RULES)
    if before is None or before.url != url:
        stated = canonical_json(found).decode()
        _record_first_reading(
            scope, row, url=url, read_on=read_on, by=member.principal_id, verdicts=stated
        )
    return False


def _is_another(scope: Scope, one: UUID, other: UUID) -> bool:
    """Return True if two principals are different people.

    A guest who shares a device fingerprint with the other person counts as the same.
    """
    return one != other and one not in device_fingerprints.same_humans(scope, other).get(
        other, frozenset()
    )


def _get_matrix_row(scope: Scope, name: str) -> MatrixRow:
    row = active_policy.current_bundle(scope).rows.get(name)
    if row is None or row.same_as or not row.ages:
        raise BadInput("rule.does_not_age")
    return row


# The database checks the 90 days and that the two members differ.
_FIRST = """
INSERT INTO attestations (tenant_id, id, "row", written, url, state, read_on, until, verdicts, by)
VALUES (:tenant, :id, :row, :written, :url, 'open', :read_on, :until, CAST(:verdicts AS jsonb), :by)
"""


def _record_first_reading(
    scope: Scope, row: MatrixRow, *, url: str, read_on: date, by: UUID, verdicts: str
) -> None:
    stated = {
        "url": url,
        "read_on": read_on,
        "until": read_on + VERIFICATION_PERIOD,
        "by": by,
        "verdicts": verdicts,
    }
    with scope.acting_as("gate"):
        scope.run(
            _FIRST, tenant=scope.tenant_id, id=uuid7(), row=row.id, written=row.digest(), **stated
        )
    audit.record(scope, "rule.read", f"rule:{row.id}", url=url, day=read_on.isoformat())


_SECOND = """
UPDATE attestations SET state = CASE WHEN id = :id THEN 'active' ELSE 'ended' END,
  second = CASE WHEN id = :id THEN CAST(:second AS uuid) ELSE second END, updated_at = house_now()
WHERE tenant_id = :tenant AND "row" = :row AND state <> 'ended' AND (id = :id OR state = 'active')
"""


def _record_second_reading(scope: Scope, name: str, attestation_id: UUID, principal: UUID) -> None:
    with scope.acting_as("gate"):
        scope.run(_SECOND, tenant=scope.tenant_id, row=name, id=attestation_id, second=principal)
    audit.record(scope, "rule.read_by_two", f"rule:{name}")
