"""Invented people: a member declares what they are made with, and two others look at the references.

Whoever looks says whether somebody real is recognisable, and which references may look younger than 25.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from foundation import outbox
from foundation.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from foundation.words import canonical
from gate import epochs, never, people, ratings, showing
from gate.declared import MODEL, PARTS, REFERENCES, TILES, Look, Source, source_digest
from gate.faces import ReferencesDue
from gate.units import Rating
from tenants import audit, sightings
from tenants import reads as tenants
from tenants.roles import Right, Role, require

MOST_REFERENCES = 40
LONGEST_NAME = 120


@dataclass(frozen=True)
class Draft:
    """What a member declares: with what a person is made, and digests of pictures of the library that show them."""

    sources: tuple[Source, ...]
    references: tuple[str, ...]


def declare(scope: Scope, person_id: UUID, draft: Draft) -> UUID:
    """Declare, as the acting member, that a person is invented and resembles nobody on purpose; returns its id.

    Raises Refused for who may not and for references that look like somebody never to be shown, NotFound, BadInput for
    a real person, a model nobody named, or pictures that are none of the agency's.
    """
    member = tenants.acting(scope, "person.people_only")
    require(member.role, Right.RUN)
    sources = _checked(draft.sources)
    references = tuple(dict.fromkeys(draft.references))
    if len(references) > MOST_REFERENCES:
        raise BadInput("person.many_references", most=MOST_REFERENCES)
    standing = ratings.standing(scope, references)
    if len(standing) < len(references) or any(one.withheld for one in standing.values()):
        raise BadInput("person.bad_reference")
    never.refuse_looks(scope, references)
    licensed = {one.part for one in sources} >= {MODEL, *((REFERENCES,) if references else ())}
    declaration_id = people.declare(
        scope,
        person_id,
        source_digest=source_digest(sources, references),
        adult_licence=licensed and all(one.adult and bool(one.licence) for one in sources),
        declared_by=member.principal_id,
        sources=sources,
        references=references,
    )
    if references:
        outbox.put(scope, ReferencesDue(scope.tenant_id, person_id, " ".join(references)))
    audit.note(scope, "person.declared", f"person:{person_id}")
    return declaration_id


def _checked(sources: Sequence[Source]) -> tuple[Source, ...]:
    parts = [one.part for one in sources]
    if MODEL not in parts or len(set(parts)) < len(parts) or not set(parts) <= set(PARTS):
        raise BadInput("person.no_model")
    for one in sources:
        if not (0 < len(one.name.strip()) <= LONGEST_NAME and len(one.licence) <= LONGEST_NAME):
            raise BadInput("person.no_model")
        if one.digest and not (len(one.digest) == 64 and set(one.digest) <= set("0123456789abcdef")):
            raise BadInput("person.bad_digest")
    return tuple(sources)


_NEWEST = """
SELECT d.id, d.declared_by, d.reference_set, p.creator_id FROM declarations d
JOIN persons p ON p.tenant_id = d.tenant_id AND p.id = d.person_id
WHERE d.tenant_id = :tenant AND d.person_id = :person ORDER BY d.id DESC LIMIT 1
"""


def look(
    scope: Scope, person_id: UUID, declaration_id: UUID, *, doubts: Collection[str] = (), resembles: bool = False
) -> None:
    """Say, as the acting member, what is seen in all the references of a declaration; once, and for good.

    `doubts` are the references that may look younger than 25. What is Nudity or Explicit among them must have been
    shown to this human in the last hour.

    Raises Refused for who may not look: who declared it, or was seen where they were, a guest to whom the creator was
    not given; NotFound; Conflict for one that is no longer the newest; BadInput for too few references.
    """
    member = tenants.acting(scope, "review.people_only")
    require(member.role, Right.REVIEW)
    row = scope.run(_NEWEST, tenant=scope.tenant_id, person=person_id).first()
    if row is None or not _given(scope, member, row.creator_id):
        raise NotFound("person.unknown")
    if row.id != declaration_id:
        raise Conflict("person.declared_anew")
    if member.principal_id in {row.declared_by, *sightings.same(scope, row.declared_by).get(row.declared_by, ())}:
        raise Refused("review.own")
    references = list(row.reference_set)
    if len(references) < TILES:
        raise BadInput("person.few_references", least=TILES)
    if not set(doubts) <= set(references):
        raise BadInput("person.bad_reference")
    _have_been_seen(scope, member.principal_id, references)
    epochs.bar(scope, epochs.person(scope, person_id))
    note_look(scope, declaration_id, Look(member.principal_id, resembles, tuple(sorted(doubts)), len(references)))
    audit.note(scope, "person.looked_at", f"person:{person_id}")


def _given(scope: Scope, member: tenants.Member, creator_id: UUID | None) -> bool:
    """Whether somebody's creator is this member's; a guest without any was given nobody."""
    if not member.creators:
        return member.role is not Role.GUEST
    return creator_id is not None and tenants.creator(scope, creator_id).slug in member.creators


def _have_been_seen(scope: Scope, principal: UUID, references: Sequence[str]) -> None:
    adult = [
        sha256
        for sha256, one in ratings.standing(scope, references).items()
        if one.rating is None or one.rating.rank >= Rating.N.rank
    ]
    unseen = len(adult) - len(showing.shown(scope, principal, adult))
    if unseen:
        raise Refused("review.set_unseen", count=unseen)


_LOOK = """
INSERT INTO invented_looks (tenant_id, id, declaration_id, principal_id, resembles, doubts, tiles)
VALUES (:tenant, :id, :declaration, :principal, :resembles, CAST(:doubts AS jsonb), :tiles) ON CONFLICT DO NOTHING
"""


def note_look(scope: Scope, declaration_id: UUID, seen: Look) -> None:
    """Write a look down. Raises Conflict where this principal has looked before."""
    done = scope.run(
        _LOOK,
        tenant=scope.tenant_id,
        id=uuid7(),
        declaration=declaration_id,
        principal=seen.principal,
        resembles=seen.resembles,
        doubts=canonical(list(seen.doubts)).decode(),
        tiles=seen.tiles,
    )
    if not done.rowcount:
        raise Conflict("person.looked_before")
