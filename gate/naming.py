"""A second person says who is in a picture: of those its shoot card names, where nobody counted, or counted otherwise;
without a card, of those somebody proposed."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.outbox import Queue
from gate import cardfacts, proposing, ratings
from tenants import audit, notices, sightings
from tenants import reads as tenants
from tenants.roles import Right, require


@dataclass(frozen=True)
class NamingWanted:
    """A member looked at a picture, the subject, and says who is in it: `people` are ids with spaces between. `maker`
    brought it in, `by` looked, both `member:<id>`."""

    kind: ClassVar[str] = "card.name"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    people: str
    maker: str
    by: str


def ask(scope: Scope, asset_id: UUID, people: Collection[UUID], *, maker: str) -> None:
    """Say who is in a picture, as the scope's actor; the workers write it down. Raises what `name` does."""
    _check(scope, asset_id, people, maker)
    said = " ".join(sorted(map(str, people)))
    outbox.put(scope, NamingWanted(scope.tenant_id, asset_id, said, maker, scope.actor), priority=1)


def settle(event: NamingWanted, *, tenant: OpenScope) -> None:
    """Write it down, as the member who looked, if they still may; who may not is told at Home why nothing came."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            name(scope, event.subject_id, [UUID(one) for one in event.people.split()], maker=event.maker)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def name(scope: Scope, asset_id: UUID, people: Collection[UUID], *, maker: str) -> None:
    """Confirm that these people of its card, or of those proposed, and nobody else, are recognisable in a picture.

    Raises Refused for who may not review, and for whoever brought it in, put it on the card or proposed somebody;
    NotFound for a picture without a card of which nobody said anything; BadInput for nobody, or somebody else.
    """
    _check(scope, asset_id, people, maker)
    for person in sorted(people):
        ratings.depict(scope, asset_id, person, how="face", confirmed_by=scope.actor)
    proposing.withdraw(scope, asset_id, people)
    audit.note(scope, "card.named", f"asset:{asset_id}")


def _check(scope: Scope, asset_id: UUID, people: Collection[UUID], maker: str) -> None:
    known = {f"member:{one.id}": one for one in tenants.members(scope)}
    if scope.actor not in known:
        raise Refused("review.people_only")
    looker = known[scope.actor]
    require(looker.role, Right.REVIEW)
    on = cardfacts.of_assets(scope, [asset_id]).get(asset_id)
    proposed = next(iter(proposing.waiting(scope, asset_id=asset_id)), None)
    if on is None and proposed is None:
        raise NotFound("person.unnamed")
    named = set(on.card.persons) if on is not None else set[UUID]()
    named |= set(proposed.people) if proposed is not None else set()
    if not people or not set(people) <= named:
        raise BadInput("card.not_named")
    spoke = {maker, _bound_by(scope, asset_id), *(proposed.proposed_by if proposed is not None else ())}
    another(scope, looker, spoke)


def another(scope: Scope, looker: tenants.Member, spoke: Collection[str]) -> None:
    """Raise Refused where who looks is one of those who spoke, as actors, or was seen where they are."""
    own = {one.principal_id for one in tenants.members(scope) if f"member:{one.id}" in spoke}
    if any(looker.principal_id in {one, *sightings.same(scope, one).get(one, ())} for one in own):
        raise Refused("review.own")


def _bound_by(scope: Scope, asset_id: UUID) -> str:
    origin = cardfacts.origins(scope, [asset_id])[asset_id]
    found = scope.run(
        "SELECT bound_by FROM shoot_card_assets WHERE tenant_id = :tenant AND asset_id = :asset",
        tenant=scope.tenant_id,
        asset=origin,
    ).scalar()
    return str(found or "")
