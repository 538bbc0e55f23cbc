"""Synthetic people: a member declares how they were made, and two others review the references.

A reviewer states whether a real person is recognizable, and which references may look younger than
25.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate import epochs
from gate.assets import viewings
from gate.contract.units import Rating
from gate.evidence import media_facts
from gate.faces.known_faces import ReferenceComparisonDue
from gate.people import persons
from gate.people.synthetic_person_declarations import (
    MIN_REFERENCES,
    MODEL_PART,
    REFERENCES_PART,
    SOURCE_PARTS,
    DeclaredSource,
    LookResult,
    source_digest,
)
from gate.ratings import ratings
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, Role, require_right
from tenants.auth import device_fingerprints

MAX_DECLARED_REFERENCES = 40
MAX_SOURCE_NAME = 120


@dataclass(frozen=True)
class DeclarationDraft:
    """A declaration: the sources of a synthetic person, and digests of reference pictures."""

    sources: tuple[DeclaredSource, ...]
    references: tuple[str, ...]


def declare_synthetic_person(scope: Scope, person_id: UUID, draft: DeclarationDraft) -> UUID:
    """Declare as the acting member that a person is synthetic; return the declaration's ID.

    Raises Refused if the member lacks the right and for references that resemble a banned face;
    NotFound; BadInput for a real person, a missing model, or pictures that do not belong to the
    agency.
    """
    member = queries.get_acting_member(scope, "person.people_only")
    require_right(member.role, Right.RUN)
    sources = _validate_sources(draft.sources)
    references = tuple(dict.fromkeys(draft.references))
    if len(references) > MAX_DECLARED_REFERENCES:
        raise BadInput("person.many_references", most=MAX_DECLARED_REFERENCES)
    standing = ratings.display_ratings(scope, references)
    if len(standing) < len(references) or any(one.is_withheld for one in standing.values()):
        raise BadInput("person.bad_reference")
    shown = media_facts.media_facts_of_bytes(scope, list(references), to_decide=False)
    if any(medium.banned for medium in shown):
        raise Refused("never.looks_like")
    licensed = {one.part for one in sources} >= {
        MODEL_PART,
        *((REFERENCES_PART,) if references else ()),
    }
    declaration_id = persons.record_declaration(
        scope,
        person_id,
        source_digest=source_digest(sources, references),
        adult_licence=licensed and all(one.adult and bool(one.licence) for one in sources),
        declared_by=member.principal_id,
        sources=sources,
        references=references,
    )
    if references:
        outbox.put(scope, ReferenceComparisonDue(scope.tenant_id, person_id, " ".join(references)))
    audit.record(scope, "person.declared", f"person:{person_id}")
    return declaration_id


def _validate_sources(sources: Sequence[DeclaredSource]) -> tuple[DeclaredSource, ...]:
    parts = [one.part for one in sources]
    if (
        MODEL_PART not in parts
        or len(set(parts)) < len(parts)
        or not set(parts) <= set(SOURCE_PARTS)
    ):
        raise BadInput("person.no_model")
    for one in sources:
        if not (
            0 < len(one.name.strip()) <= MAX_SOURCE_NAME and len(one.licence) <= MAX_SOURCE_NAME
        ):
            raise BadInput("person.no_model")
        if one.digest and not (
            len(one.digest) == 64 and set(one.digest) <= set("0123456789abcdef")
        ):
            raise BadInput("person.bad_digest")
    return tuple(sources)


_NEWEST = """
SELECT d.id, d.declared_by, d.reference_set, p.creator_id FROM declarations d
JOIN persons p ON p.tenant_id = d.tenant_id AND p.id = d.person_id
WHERE d.tenant_id = :tenant AND d.person_id = :person ORDER BY d.id DESC LIMIT 1
"""


def review_declaration(
    scope: Scope,
    person_id: UUID,
    declaration_id: UUID,
    *,
    doubts: Collection[str] = (),
    resembles: bool = False,
) -> None:
    """Review all references of a declaration as the acting member; the review is final.

    `doubts` are the references that may look younger than 25. Nudity and Explicit references must
    have been shown to this member in the last hour.

    Raises Refused for a member without the right, for the declarer, and for a person who shares a
    device fingerprint with them; NotFound, also for a creator that is not assigned to the member;
    Conflict for an outdated declaration; BadInput for too few references.
    """
    member = queries.get_acting_member(scope, "review.people_only")
    require_right(member.role, Right.REVIEW)
    row = scope.run(_NEWEST, tenant=scope.tenant_id, person=person_id).first()
    if row is None or not _has_creator_access(scope, member, row.creator_id):
        raise NotFound("person.unknown")
    if row.id != declaration_id:
        raise Conflict("person.declared_anew")
    if member.principal_id in {
        row.declared_by,
        *device_fingerprints.same_humans(scope, row.declared_by).get(row.declared_by, ()),
    }:
        raise Refused("review.own")
    references = list(row.reference_set)
    if len(references) < MIN_REFERENCES:
        raise BadInput("person.few_references", least=MIN_REFERENCES)
    if not set(doubts) <= set(references):
        raise BadInput("person.bad_reference")
    _check_references_viewed(scope, member.principal_id, references)
    epochs.lock_exclusive(scope, epochs.person_key(scope, person_id))
    record_declaration_look(
        scope,
        declaration_id,
        LookResult(member.principal_id, resembles, tuple(sorted(doubts)), len(references)),
    )
    audit.record(scope, "person.looked_at", f"person:{person_id}")


def _has_creator_access(scope: Scope, member: queries.Member, creator_id: UUID | None) -> bool:
    """Return True if the creator is assigned to this member; a guest needs an assignment."""
    if not member.creators:
        return member.role is not Role.GUEST
    return creator_id is not None and queries.get_creator(scope, creator_id).slug in member.creators


def _check_references_viewed(scope: Scope, principal: UUID, references: Sequence[str]) -> None:
    adult = [
        sha256
        for sha256, one in ratings.display_ratings(scope, references).items()
        if one.rating is None or one.rating.rank >= Rating.N.rank
    ]
    unseen = len(adult) - len(viewings.viewed_digests_of(scope, principal, adult))
    if unseen:
        raise Refused("review.set_unseen", count=unseen)


# A row-level security policy also refuses a review by the member who made the declaration.
_LOOK = """
INSERT INTO invented_looks (tenant_id, id, declaration_id, principal_id, resembles, doubts, tiles)
VALUES (:tenant, :id, :declaration, :principal, :resembles, CAST(:doubts AS jsonb), :tiles) ON
CONFLICT DO NOTHING
"""


def record_declaration_look(scope: Scope, declaration_id: UUID, seen: LookResult) -> None:
    """Record a review of a declaration. Raises Conflict for a second review by one principal."""
    done = scope.run(
        _LOOK,
        tenant=scope.tenant_id,
        id=uuid7(),
        declaration=declaration_id,
        principal=seen.principal,
        resembles=seen.resembles,
        doubts=canonical_json(list(seen.doubts)).decode(),
        tiles=seen.tiles,
    )
    if not done.rowcount:
        raise Conflict("person.looked_before")
