"""Stricter rules of an agency for a destination.

One member adds a limit with immediate effect; two members, one after the other, end it.
"""

from dataclasses import dataclass

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.ids import uuid7
from gate import epochs
from gate.contract.units import Rating, Verdict
from gate.policy import active_policy
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right

_KEEP = """
INSERT INTO place_limits (tenant_id, id, place, rating, verdict, by, why, open)
VALUES (:tenant, :id, :place, :rating, :verdict, :by, :why, true)
ON CONFLICT (tenant_id, place, rating, verdict) WHERE open
DO UPDATE SET ended_by = NULL, by = excluded.by, why = excluded.why, updated_at = house_now()
"""
_KEPT = """
SELECT place, rating, verdict, by, why, ended_by FROM place_limits
WHERE tenant_id = :tenant AND open ORDER BY place, rating, verdict
"""
_END = """
UPDATE place_limits SET open = (ended_by IS NULL OR ended_by = :principal), updated_at =
house_now(),
  ended_by = COALESCE(ended_by, :principal)
WHERE tenant_id = :tenant AND place = :place AND rating = :rating AND verdict = :verdict AND open
RETURNING open
"""


@dataclass(frozen=True)
class PlaceLimitSummary:
    """A stricter rule: from `rating` on, the destination has the verdict `verdict`.

    `ending` is True if one of two members requested its end.
    """

    place: str
    rating: str
    verdict: str
    by: str
    why: str
    ending: bool


def list_place_limits(scope: Scope) -> list[PlaceLimitSummary]:
    """Return the agency's stricter rules in force."""
    rows = scope.run(_KEPT, tenant=scope.tenant_id)
    return [
        PlaceLimitSummary(
            row.place, row.rating, row.verdict, row.by, row.why, row.ended_by is not None
        )
        for row in rows
    ]


def set_place_limit(
    scope: Scope, place: str, rating: Rating, verdict: Verdict, *, why: str
) -> None:
    """Hold (H) or block (B) content with this rating or a higher one at a destination, as the
    acting member.

    The limit applies to everything that is not yet claimed. Raises BadInput for a destination
    without a rule, another verdict or a missing reason; Refused if the member lacks the right.
    """
    member = queries.get_acting_member(scope, "switch.people_only")
    require_right(member.role, Right.RUN)
    if (
        place not in active_policy.current_bundle(scope).rows
        or rating is Rating.X
        or verdict not in (Verdict.H, Verdict.B)
    ):
        raise BadInput("limit.no_such_place")
    if not why.strip():
        raise BadInput("limit.no_why").about("reason")
    epochs.lock_and_advance(scope, epochs.tenant_key(scope))
    row = {
        "place": place,
        "rating": str(rating),
        "verdict": str(verdict),
        "by": scope.actor,
        "why": why.strip(),
    }
    with scope.acting_as("gate"):
        scope.run(_KEEP, tenant=scope.tenant_id, id=uuid7(), **row)
    audit.record(scope, "place.limit", f"place:{place}", rating=str(rating), verdict=str(verdict))


def end_place_limit(scope: Scope, place: str, rating: Rating, verdict: Verdict) -> bool:
    """Request the end of a limit as the acting member; return True if this was the second request.

    Raises Refused if the member lacks the right to reopen, and NotFound for an unknown limit.
    """
    member = queries.get_acting_member(scope, "switch.people_only")
    require_right(member.role, Right.REOPEN)
    row = {
        "place": place,
        "rating": str(rating),
        "verdict": str(verdict),
        "principal": member.principal_id,
    }
    with scope.acting_as("gate"):
        still = scope.run(_END, tenant=scope.tenant_id, **row).scalar_one_or_none()
    if still is None:
        raise NotFound("limit.no_such_place")
    audit.record(scope, "place.limit_asked" if still else "place.limit_ended", f"place:{place}")
    return not still
