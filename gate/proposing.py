"""Who is in a picture: one member says so, and another who neither brought it in nor said so confirms it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError, NotFound
from foundation.outbox import Queue
from gate import ratings
from gate.models import Asset
from tenants import audit, notices
from tenants import reads as tenants
from tenants.roles import Right, require

MOST = 20


@dataclass(frozen=True)
class PeopleProposed:
    """A member says who is in a picture, the subject: `people` are ids with spaces between."""

    kind: ClassVar[str] = "person.propose"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    people: str
    by: str


def ask(scope: Scope, asset_id: UUID, people: Collection[UUID]) -> None:
    """Say who is in a picture, as the acting member; the workers write it down, and until somebody else confirmed it
    nothing of it leaves. Raises Refused, NotFound, BadInput for nobody, too many, or somebody who is shown no more."""
    require(tenants.acting(scope, "review.people_only").role, Right.RUN)
    _check(scope, asset_id, people)
    said = " ".join(sorted(map(str, people)))
    event = PeopleProposed(scope.tenant_id, asset_id, said, scope.actor)
    outbox.put(scope, event, priority=0, dedupe=f"person.propose:{asset_id}")


def _check(scope: Scope, asset_id: UUID, people: Collection[UUID]) -> None:
    if scope.session.get(Asset, (scope.tenant_id, asset_id)) is None:
        raise NotFound("asset.unknown")
    if not 0 < len(set(people)) <= MOST:
        raise BadInput("person.nobody", most=MOST)
    known = scope.run(
        "SELECT count(*) FROM persons WHERE tenant_id = :tenant AND id = ANY(:ids) AND state = 'active'",
        tenant=scope.tenant_id,
        ids=list(people),
    ).scalar_one()
    if known != len(set(people)):
        raise NotFound("person.unknown")


def settle(event: PeopleProposed, *, tenant: OpenScope) -> None:
    """Write it down, as the member who said so, if they still may; who may not is told at Home why nothing came."""
    people = [UUID(one) for one in event.people.split()]
    try:
        with tenant(event.tenant_id, event.by) as scope:
            require(tenants.acting(scope, "review.people_only").role, Right.RUN)
            _check(scope, event.subject_id, people)
            for person in sorted(people):
                ratings.depict(scope, event.subject_id, person, how="face", proposed_by=event.by)
            audit.note(scope, "person.proposed", f"asset:{event.subject_id}")
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


@dataclass(frozen=True)
class Open:
    """A picture of which somebody said who is in it, and nobody else has yet: names by person, and who said so."""

    asset_id: UUID
    creator_id: UUID
    people: dict[UUID, str]
    proposed_by: frozenset[str]


_OPEN = """
SELECT d.asset_id, a.creator_id, jsonb_object_agg(d.person_id, p.display_ref) AS people,
  array_agg(DISTINCT d.proposed_by) AS by
FROM depictions d
JOIN assets a ON a.tenant_id = d.tenant_id AND a.id = d.asset_id
JOIN persons p ON p.tenant_id = d.tenant_id AND p.id = d.person_id
WHERE d.tenant_id = :tenant AND d.state = 'proposed'
  AND (CAST(:asset AS uuid) IS NULL OR d.asset_id = :asset)
  AND (CAST(:creators AS uuid[]) IS NULL OR a.creator_id = ANY(CAST(:creators AS uuid[])))
GROUP BY d.asset_id, a.creator_id ORDER BY d.asset_id LIMIT :limit
"""


def waiting(
    scope: Scope, *, asset_id: UUID | None = None, creators: Collection[UUID] | None = None, limit: int = 24
) -> list[Open]:
    """Pictures that wait for a second person, the oldest first: of these creators, or that one."""
    wanted = list(creators) if creators is not None else None
    rows = scope.run(_OPEN, tenant=scope.tenant_id, asset=asset_id, creators=wanted, limit=limit)
    return [
        Open(row.asset_id, row.creator_id, {UUID(who): name for who, name in row.people.items()}, frozenset(row.by))
        for row in rows
    ]


def candidates(scope: Scope) -> dict[str, str]:
    """Everybody who may be named, by id: what members call them."""
    rows = scope.run(
        "SELECT id, display_ref FROM persons WHERE tenant_id = :tenant AND state = 'active'"
        " ORDER BY lower(display_ref), id LIMIT 500",
        tenant=scope.tenant_id,
    )
    return {str(row.id): row.display_ref for row in rows}


def withdraw(scope: Scope, asset_id: UUID, kept: Collection[UUID]) -> None:
    """Of what was proposed for a picture keep these alone: whoever confirmed it said that nobody else is in it."""
    with scope.acting_as("gate"):
        scope.run(
            "DELETE FROM depictions WHERE tenant_id = :tenant AND asset_id = :asset AND state = 'proposed'"
            " AND NOT person_id = ANY(:kept)",
            tenant=scope.tenant_id,
            asset=asset_id,
            kept=list(kept),
        )
