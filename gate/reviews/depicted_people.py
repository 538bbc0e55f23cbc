"""The people in a picture: one member proposes them and another one confirms.

The second member must not have uploaded the picture or made the proposal. They choose from the
people on the picture's shoot card, or from the proposed people if it has no card.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate.assets.models import Asset
from gate.consent import queries
from gate.ratings import ratings
from tenants import audit
from tenants.agencies.queries import (
    Member,
    get_acting_member,
    list_members,
    principals_by_actor,
)
from tenants.agencies.rights import Right, require_right
from tenants.auth import device_fingerprints
from tenants.notices import notices

MAX_PROPOSED_PEOPLE = 20


@dataclass(frozen=True)
class PeopleProposed:
    """A member proposed the people in a picture, the subject.

    `people` are IDs separated by spaces.
    """

    kind: ClassVar[str] = "person.propose"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    people: str
    by: str


def propose_people(scope: Scope, asset_id: UUID, people: Collection[UUID]) -> None:
    """Propose the people in a picture as the acting member.

    A worker records the proposal; the picture is not published until another member confirms it.
    Raises Refused, NotFound, and BadInput for an empty or oversized list. An inactive person counts
    as not found.
    """
    require_right(get_acting_member(scope, "review.people_only").role, Right.RUN)
    _validate_people(scope, asset_id, people)
    said = " ".join(sorted(map(str, people)))
    event = PeopleProposed(scope.tenant_id, asset_id, said, scope.actor)
    outbox.put(scope, event, priority=0, dedupe=f"person.propose:{asset_id}")


def _validate_people(scope: Scope, asset_id: UUID, people: Collection[UUID]) -> None:
    if scope.session.get(Asset, (scope.tenant_id, asset_id)) is None:
        raise NotFound("asset.unknown")
    if not 0 < len(set(people)) <= MAX_PROPOSED_PEOPLE:
        raise BadInput("person.nobody", most=MAX_PROPOSED_PEOPLE)
    known = scope.run(
        "SELECT count(*) FROM persons WHERE tenant_id = :tenant AND id = ANY(:ids) AND state = "
        "'active'",
        tenant=scope.tenant_id,
        ids=list(people),
    ).scalar_one()
    if known != len(set(people)):
        raise NotFound("person.unknown")


def handle_people_proposed(event: PeopleProposed, *, tenant: OpenScope) -> None:
    """Record a proposal as the member who made it.

    A member who may no longer do so gets a notice.
    """
    people = [UUID(one) for one in event.people.split()]
    try:
        with tenant(event.tenant_id, event.by) as scope:
            require_right(get_acting_member(scope, "review.people_only").role, Right.RUN)
            _validate_people(scope, event.subject_id, people)
            for person in sorted(people):
                ratings.record_depiction(
                    scope, event.subject_id, person, how="face", proposed_by=event.by
                )
            audit.record(scope, "person.proposed", f"asset:{event.subject_id}")
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


@dataclass(frozen=True)
class PendingProposal:
    """A picture with proposed people: their names by person, and the members who proposed them."""

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


def list_pending_proposals(
    scope: Scope,
    *,
    asset_id: UUID | None = None,
    creators: Collection[UUID] | None = None,
    limit: int = 24,
) -> list[PendingProposal]:
    """Return the pictures with unconfirmed people, oldest first, filtered by creators or asset."""
    wanted = list(creators) if creators is not None else None
    rows = scope.run(_OPEN, tenant=scope.tenant_id, asset=asset_id, creators=wanted, limit=limit)
    return [
        PendingProposal(
            row.asset_id,
            row.creator_id,
            {UUID(who): name for who, name in row.people.items()},
            frozenset(row.by),
        )
        for row in rows
    ]


def list_nameable_people(scope: Scope) -> dict[str, str]:
    """Return the display names of all active people, by ID."""
    rows = scope.run(
        "SELECT id, display_ref FROM persons WHERE tenant_id = :tenant AND state = 'active'"
        " ORDER BY lower(display_ref), id LIMIT 500",
        tenant=scope.tenant_id,
    )
    return {str(row.id): row.display_ref for row in rows}


def keep_proposed_people(scope: Scope, asset_id: UUID, kept: Collection[UUID]) -> None:
    """Delete the other proposed people of an asset, since a confirmation covers everyone in it."""
    with scope.acting_as("gate"):
        scope.run(
            "DELETE FROM depictions WHERE tenant_id = :tenant AND asset_id = :asset AND state = "
            "'proposed'"
            " AND NOT person_id = ANY(:kept)",
            tenant=scope.tenant_id,
            asset=asset_id,
            kept=list(kept),
        )


@dataclass(frozen=True)
class PeopleConfirmed:
    """A member confirmed the people in a picture, the subject: `people` are IDs separated by
    spaces.

    `maker` uploaded the picture and `by` confirmed, both as `member:<id>`.
    """

    kind: ClassVar[str] = "card.name"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    people: str
    maker: str
    by: str


def submit_people_confirmation(
    scope: Scope, asset_id: UUID, people: Collection[UUID], *, maker: str
) -> None:
    """Confirm the people in a picture as the scope's actor; a worker records it.

    Raises the errors of `confirm_people`.
    """
    _check_namer(scope, asset_id, people, maker)
    said = " ".join(sorted(map(str, people)))
    outbox.put(
        scope, PeopleConfirmed(scope.tenant_id, asset_id, said, maker, scope.actor), priority=1
    )


def handle_people_confirmed(event: PeopleConfirmed, *, tenant: OpenScope) -> None:
    """Record a confirmation as the member who gave it.

    A member who may no longer do so gets a notice.
    """
    try:
        with tenant(event.tenant_id, event.by) as scope:
            confirm_people(
                scope,
                event.subject_id,
                [UUID(one) for one in event.people.split()],
                maker=event.maker,
            )
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def confirm_people(scope: Scope, asset_id: UUID, people: Collection[UUID], *, maker: str) -> None:
    """Confirm that these people, and no others, are recognizable in a picture.

    They must be on its shoot card or proposed. Raises Refused for a member who may not review,
    uploaded the picture, added it to the card or proposed someone; NotFound for a picture without a
    card and without a proposal; BadInput for an empty list or another person.
    """
    _check_namer(scope, asset_id, people, maker)
    for person in sorted(people):
        ratings.record_depiction(scope, asset_id, person, how="face", confirmed_by=scope.actor)
    keep_proposed_people(scope, asset_id, people)
    audit.record(scope, "card.named", f"asset:{asset_id}")


def _check_namer(scope: Scope, asset_id: UUID, people: Collection[UUID], maker: str) -> None:
    looker = {f"member:{one.id}": one for one in list_members(scope)}.get(scope.actor)
    if looker is None:
        raise Refused("review.people_only")
    require_right(looker.role, Right.REVIEW)
    on = queries.card_positions_of_assets(scope, [asset_id]).get(asset_id)
    proposed = next(iter(list_pending_proposals(scope, asset_id=asset_id)), None)
    if on is None and proposed is None:
        raise NotFound("person.unnamed")
    named = set(on.card.persons) if on is not None else set[UUID]()
    named |= set(proposed.people) if proposed is not None else set()
    if not people or not set(people) <= named:
        raise BadInput("card.not_named")
    spoke = {
        maker,
        _bound_by(scope, asset_id),
        *(proposed.proposed_by if proposed is not None else ()),
    }
    check_is_another_human(scope, looker, spoke)


def check_is_another_human(scope: Scope, looker: Member, spoke: Collection[str]) -> None:
    """Raise Refused if the reviewer is one of these actors.

    A guest who shares a device fingerprint with one of them counts as the same person.
    """
    own = principals_by_actor(scope, spoke).values()
    if any(
        looker.principal_id in {one, *device_fingerprints.same_humans(scope, one).get(one, ())}
        for one in own
    ):
        raise Refused("review.own")


def _bound_by(scope: Scope, asset_id: UUID) -> str:
    origin = queries.original_assets(scope, [asset_id])[asset_id]
    found = scope.run(
        "SELECT bound_by FROM shoot_card_assets WHERE tenant_id = :tenant AND asset_id = :asset",
        tenant=scope.tenant_id,
        asset=origin,
    ).scalar()
    return str(found or "")
