"""Rules past their day of review: an owner read one again at its platform, found it unchanged, and a second member too.

It holds for the rule as it is written and for 90 days; what was found stricter is kept with it, looser is refused. Each
of the two says it as themselves, signed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from foundation.database import Scope
from foundation.errors import BadInput, Refused
from foundation.ids import uuid7
from foundation.words import canonical
from gate import inforce
from gate.bundle import ATTESTED, Bundle, ReadAgain
from gate.matrix import RowFile
from gate.units import Rating, Unit, Verdict
from tenants import audit, sightings
from tenants import reads as tenants
from tenants.roles import Right, require

WAITS = timedelta(days=7)
"""So long what one member read waits for the second."""

_ACTIVE = """
SELECT "row", written, read_on, until, verdicts FROM attestations
WHERE tenant_id = :tenant AND "row" = ANY(:rows) AND state = 'active' ORDER BY created_at, id
"""


def said(scope: Scope, unit: Unit, rules: Bundle, on: date) -> tuple[ReadAgain, ...]:
    """What members say they read of the rules of a unit's place that are past their day; asked only then."""
    names = rules.overdue(unit.platform, unit.surface, on=on)
    return read_again(scope, names) if names else ()


def read_again(scope: Scope, names: tuple[str, ...]) -> tuple[ReadAgain, ...]:
    """What two members of this agency read of these rules."""
    rows = scope.run(_ACTIVE, tenant=scope.tenant_id, rows=list(names))
    return tuple(ReadAgain(row.row, row.written, row.read_on, row.until, _verdicts(row.verdicts)) for row in rows)


def _verdicts(stored: Mapping[str, str]) -> dict[Rating, Verdict]:
    return {Rating(rating): Verdict(verdict) for rating, verdict in sorted(stored.items())}


@dataclass(frozen=True)
class Waiting:
    """What one member read, and a second has not yet."""

    id: UUID
    url: str
    by: UUID
    """The principal."""


_OPEN = """
SELECT id, url, by FROM attestations WHERE tenant_id = :tenant AND "row" = :row AND written = :written
AND state = 'open' AND read_on > :since AND CAST(verdicts AS text) = CAST(CAST(:verdicts AS jsonb) AS text)
ORDER BY created_at DESC, id DESC LIMIT 1
"""


def waiting(scope: Scope, row: RowFile, verdicts: Mapping[Rating, Verdict] | None = None) -> Waiting | None:
    """What waits for a second member of one rule, as it is written now."""
    found = scope.run(
        _OPEN,
        tenant=scope.tenant_id,
        row=row.id,
        written=row.digest(),
        since=scope.now.date() - WAITS,
        verdicts=canonical(dict(verdicts or {})).decode(),
    ).first()
    return None if found is None else Waiting(found.id, found.url, found.by)


def attest(
    scope: Scope, name: str, url: str, *, read_on: date, verdicts: Mapping[Rating, Verdict] | None = None
) -> bool:
    """The acting member read the rule `name` at `url` on a day and found it as it is written, or stricter: `verdicts`.

    Whether it holds from now on: an owner says it first, another member with the right to review says it too.
    Raises Refused for who may not, and where it is looser than the rule (ATTESTATION_INVALID); BadInput for a rule that
    does not age, an address that is not the rule's, a day to come or long past.
    """
    row = _row(scope, name)
    if url not in row.source_url or not scope.now.date() - WAITS < read_on <= scope.now.date():
        raise BadInput("rule.not_read_so")
    found = dict(verdicts or {})
    if any(rating not in row.verdicts or each.rank < row.verdicts[rating].rank for rating, each in found.items()):
        raise Refused("gate.ATTESTATION_INVALID")
    scope.hold(f"attest:{scope.tenant_id}:{name}")
    member = tenants.acting(scope, "gate.ATTESTATION_INVALID")
    before = waiting(scope, row, found)
    if before is not None and before.url == url and _is_another(scope, before.by, member.principal_id):
        require(member.role, Right.REVIEW)
        _second(scope, name, before.id, member.principal_id)
        return True
    require(member.role, Right.RULES)
    if before is None or before.url != url:
        stated = canonical(found).decode()
        _first(scope, row, url=url, read_on=read_on, by=member.principal_id, verdicts=stated)
    return False


def _is_another(scope: Scope, one: UUID, other: UUID) -> bool:
    """Whether two principals are two humans: a guest who was seen where the other was is the other."""
    return one != other and one not in sightings.same(scope, other).get(other, frozenset())


def _row(scope: Scope, name: str) -> RowFile:
    row = inforce.rules(scope).rows.get(name)
    if row is None or row.same_as or not row.ages:
        raise BadInput("rule.does_not_age")
    return row


_FIRST = """
INSERT INTO attestations (tenant_id, id, "row", written, url, state, read_on, until, verdicts, by)
VALUES (:tenant, :id, :row, :written, :url, 'open', :read_on, :until, CAST(:verdicts AS jsonb), :by)
"""


def _first(scope: Scope, row: RowFile, *, url: str, read_on: date, by: UUID, verdicts: str) -> None:
    stated = {"url": url, "read_on": read_on, "until": read_on + ATTESTED, "by": by, "verdicts": verdicts}
    with scope.acting_as("gate"):
        scope.run(_FIRST, tenant=scope.tenant_id, id=uuid7(), row=row.id, written=row.digest(), **stated)
    audit.note(scope, "rule.read", f"rule:{row.id}", url=url, day=read_on.isoformat())


_SECOND = """
UPDATE attestations SET state = CASE WHEN id = :id THEN 'active' ELSE 'ended' END,
  second = CASE WHEN id = :id THEN CAST(:second AS uuid) ELSE second END, updated_at = house_now()
WHERE tenant_id = :tenant AND "row" = :row AND state <> 'ended' AND (id = :id OR state = 'active')
"""


def _second(scope: Scope, name: str, attestation_id: UUID, principal: UUID) -> None:
    with scope.acting_as("gate"):
        scope.run(_SECOND, tenant=scope.tenant_id, row=name, id=attestation_id, second=principal)
    audit.note(scope, "rule.read_by_two", f"rule:{name}")
