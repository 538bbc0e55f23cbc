"""Dossiers of persons for members: their proofs and permissions, and what they lack before they may
be published.

The missing requirements match the rules in `gate/decision/depiction_rules.py`; a test compares the
two. Except for `list_dossiers`, the module is pure.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from gate.consent.grants import CONSENT_SCOPES
from gate.contract.facts import ConsentFacts, PersonFacts
from gate.contract.states import PersonState
from gate.contract.units import Rating
from gate.decision.shoot_card_terms import valid_age_proofs
from gate.evidence import media_facts
from gate.people.synthetic_person_declarations import (
    DECLARATION_SQL,
    MIN_REFERENCES,
    LookResult,
    look_agreement,
    parse_looks,
)
from tenants.auth import custodians

MAX_DOSSIERS = 40
"""Maximum number of persons on a page; others are found by name."""

NEEDED = ("depict", "publish")


@dataclass(frozen=True)
class AgeProofSummary:
    """An age proof as members see it; `noted_by` is an actor, empty if no member recorded it."""

    custodian: str
    method: str
    verified_at: datetime
    valid_until: datetime | None
    on_day: datetime | None
    noted_by: str
    stands: bool
    """True if it is neither expired nor withdrawn, and its custodian is outside the agency."""
    id: UUID


@dataclass(frozen=True)
class DeclarationSummary:
    """The latest declaration of a synthetic person.

    `references` are `(digest, asset, rating)`; `lost` is True if a reference was removed since.
    """

    id: UUID
    sources: tuple[Mapping[str, Any], ...]
    references: tuple[tuple[str, UUID, str], ...]
    declared_by: UUID
    at: datetime
    looks: tuple[LookResult, ...]
    lost: bool

    @property
    def has_doubts(self) -> bool:
        """Return True if a reviewer had doubts or recognised a real person."""
        return any(not look.is_clear for look in self.looks)

    @property
    def kappa(self) -> float | None:
        """Return the agreement of the first two reviewers, or None if there are fewer or it is
        undefined."""
        return look_agreement(self.looks[0], self.looks[1]) if len(self.looks) > 1 else None


@dataclass(frozen=True)
class PersonDossier:
    """A person with all known facts.

    `general` and `adult` are the requirements still missing for each, as codes of the sentences
    `people.missing.<code>`.
    """

    facts: PersonFacts
    name: str
    twin_of: str
    creator_id: UUID | None
    portal_used_at: datetime | None
    """Time at which the person first acted in their portal. A link that was only sent does not
    count."""
    proofs: tuple[AgeProofSummary, ...]
    declaration: DeclarationSummary | None
    general: tuple[str, ...]
    adult: tuple[str, ...]

    @property
    def id(self) -> UUID:
        """Return the ID of the person."""
        return self.facts.id

    @property
    def active_consents(self) -> tuple[ConsentFacts, ...]:
        """Return the permissions that are neither revoked nor bound to a shoot card, ordered by
        scope."""
        own = (one for one in self.facts.grants if one.card is None and not one.revoked)
        return tuple(
            sorted(own, key=lambda one: (CONSENT_SCOPES.index(one.scope), one.valid_until))
        )


_PEOPLE = """
WITH k AS (
  SELECT p.id, p.display_ref, p.creator_id, p.twin_of FROM persons p
  WHERE p.tenant_id = :tenant AND (CAST(:named AS text) = ''
    OR position(lower(normalize(:named, NFKC)) IN lower(normalize(p.display_ref, NFKC))) > 0)
    AND (CAST(:creators AS uuid[]) IS NULL OR p.creator_id = ANY(CAST(:creators AS uuid[])))
  ORDER BY lower(p.display_ref), p.id LIMIT :limit)
SELECT k.id, k.display_ref, k.creator_id, t.display_ref AS twin_of,
  least(l.confirmed_at, l.asked_at) AS portal_used_at,
  (SELECT jsonb_agg(jsonb_build_array(i.custodian, i.method, i.verified_at, i.valid_until,
  i.on_day, i.noted_by, i.id, i.withdrawn_at IS NOT NULL OR --inside)
      ORDER BY i.verified_at DESC, i.id)
    FROM identity_checks i WHERE i.tenant_id = :tenant AND i.person_id = coalesce(k.twin_of,
    k.id)) AS proofs,
  --declared AS declared,
  (SELECT jsonb_agg(jsonb_build_array(r.sha256, r.asset_id,
      (SELECT c.rating FROM content_ratings c WHERE c.tenant_id = r.tenant_id AND c.sha256 =
      r.sha256
       ORDER BY position(c.rating IN 'GSNEX') DESC LIMIT 1)) ORDER BY r.sha256)
    FROM (SELECT reference_set FROM declarations WHERE tenant_id = :tenant AND person_id = k.id
      ORDER BY id DESC LIMIT 1) n
    JOIN renditions r ON r.tenant_id = :tenant AND n.reference_set ? r.sha256) AS tiles
FROM k LEFT JOIN persons t ON t.tenant_id = :tenant AND t.id = k.twin_of
LEFT JOIN person_links l ON l.tenant_id = :tenant AND l.person_id = k.id
ORDER BY lower(k.display_ref), k.id
""".replace("--declared", DECLARATION_SQL).replace("--inside", custodians.INSIDE_CUSTODIAN_SQL)


def list_dossiers(
    scope: Scope,
    *,
    named: str = "",
    creators: Collection[UUID] | None = None,
    limit: int = MAX_DOSSIERS,
) -> list[PersonDossier]:
    """Return persons, sorted by name: those whose name contains `named` and, unless `creators` is
    None, who are one of these creators."""
    wanted = list(creators) if creators is not None else None
    rows = scope.run(
        _PEOPLE, tenant=scope.tenant_id, named=named.strip(), creators=wanted, limit=limit
    ).all()
    known = {one.id: one for one in media_facts.person_facts(scope, [row.id for row in rows])}
    return [_dossier_from_row(row, known[row.id], scope.now) for row in rows]


def _dossier_from_row(row: Any, facts: PersonFacts, now: datetime) -> PersonDossier:
    return PersonDossier(
        facts=facts,
        name=row.display_ref,
        twin_of=row.twin_of or "",
        creator_id=row.creator_id,
        portal_used_at=row.portal_used_at,
        proofs=tuple(_age_proof_from_row(each, now) for each in row.proofs or ()),
        declaration=_declaration_from_row(row.declared, row.tiles or ()),
        general=tuple(missing_requirements(facts, Rating.G, now)),
        adult=tuple(missing_requirements(facts, Rating.N, now)),
    )


def _parse_instant(said: str) -> datetime:
    return datetime.fromisoformat(said)


def _age_proof_from_row(row: Sequence[Any], now: datetime) -> AgeProofSummary:
    custodian, method, at, until, on_day, by, check_id, void = row
    ends = _parse_instant(until) if until else None
    return AgeProofSummary(
        custodian,
        method,
        _parse_instant(at),
        ends,
        _parse_instant(on_day) if on_day else None,
        by or "",
        not void and (ends is None or now < ends),
        UUID(check_id),
    )


def _declaration_from_row(
    row: Mapping[str, Any] | None, tiles: Iterable[tuple[str, str, str | None]]
) -> DeclarationSummary | None:
    if row is None:
        return None
    return DeclarationSummary(
        id=UUID(row["id"]),
        sources=tuple(row["sources"]),
        references=tuple((sha256, UUID(asset), rating or "") for sha256, asset, rating in tiles),
        declared_by=UUID(row["declared_by"]),
        at=_parse_instant(row["created_at"]),
        looks=parse_looks(row["looks"]),
        lost=row["lost"],
    )


def missing_requirements(person: PersonFacts, rating: Rating, now: datetime) -> Iterator[str]:
    """Yield what a person lacks to be published with this rating on any surface, the most urgent
    first.

    Surfaces and production dates depend on the picture and are checked there.
    """
    if person.state is not PersonState.ACTIVE:
        yield "blocked"
        return
    if person.kind == "synthetic":
        yield from _missing_declarations(person, rating)
        return
    scopes = [*NEEDED, "ai_likeness"] if person.kind == "digital_twin" else list(NEEDED)
    for scope in scopes:
        yield from _missing_consents(person, scope, rating, now)
    if rating is not Rating.G and not valid_age_proofs(person, now):
        yield "age_over" if person.identities else "age"


def _missing_consents(
    person: PersonFacts, scope: str, rating: Rating, now: datetime
) -> Iterator[str]:
    own = [one for one in person.grants if one.scope == scope and one.card is None]
    live = [one for one in own if not one.revoked and one.valid_from <= now < one.valid_until]
    if any(rating.rank <= one.max_rating.rank for one in live):
        return
    if live:
        yield f"{scope}_lower"
    elif any(not one.revoked and one.valid_until <= now for one in own):
        yield f"{scope}_over"
    elif any(not one.revoked for one in own):
        yield f"{scope}_later"
    else:
        yield f"{scope}_taken" if own else scope


def _missing_declarations(person: PersonFacts, rating: Rating) -> Iterator[str]:
    declared = person.declaration
    if declared is None:
        yield "declaration"
    elif rating.rank >= Rating.N.rank:
        if not declared.adult_licence:
            yield "licence"
        if not declared.reviewed:
            yield "looks"


def needs_declaration_review(one: PersonDossier) -> bool:
    """Return True if a synthetic person awaits reviews: declared, with enough references, and
    without objections."""
    declared = one.declaration
    enough = (
        declared is not None and not declared.lost and len(declared.references) >= MIN_REFERENCES
    )
    return enough and one.facts.declaration is not None and not one.facts.declaration.reviewed
