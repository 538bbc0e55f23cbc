"""Facts of media and of the persons in them, read in a fixed number of statements."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import reduce
from operator import itemgetter
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from gate.assets import asset_records, label_lifts, lookalikes
from gate.consent import queries
from gate.consent.queries import CardPosition
from gate.contract.facts import (
    AgeProof,
    AnswerFacts,
    CardPositionFacts,
    ConsentFacts,
    DepictionFacts,
    MediumFacts,
    PersonFacts,
    ReviewFacts,
)
from gate.contract.states import DepictionAnswer, PersonState
from gate.contract.units import Rating, Unit
from gate.copies import post_references
from gate.decision.shoot_card_terms import people_of_medium
from gate.evidence.answer_facts import answer_facts
from gate.faces import resemblances
from gate.people import depiction_bans
from gate.people.synthetic_person_declarations import DECLARATION_SQL, declaration_facts
from gate.ratings import ratings
from gate.ratings.aggregation import AggregatedRating
from gate.ratings.inspections import has_missing_classifier
from tenants.auth import custodians

_REVIEWS = """
(SELECT jsonb_agg(jsonb_build_array(r.digest, r.principal_id, r.verdict, r.seen_percent,
r.created_at)
   ORDER BY r.created_at, r.id)
 FROM human_reviews r WHERE r.tenant_id = :tenant AND r.about = {about} AND r.digest {digests})
 AS reviews
"""

_ABOVE = """(assets.parent_id IS NOT NULL OR EXISTS (SELECT FROM asset_parts s
    WHERE s.tenant_id = :tenant AND s.asset_id = assets.id)) AND EXISTS (
    WITH RECURSIVE line AS (
      SELECT p.parent_id AS id, 0 AS depth FROM asset_parents p WHERE p.tenant_id = :tenant AND
      p.asset_id = assets.id
      UNION SELECT p.parent_id, l.depth + 1 FROM line l
      JOIN asset_parents p ON p.tenant_id = :tenant AND p.asset_id = l.id WHERE l.depth < 20)
    SELECT FROM line l {such})"""
"""SQL condition: a row with the property `such` exists among the ancestors of an asset."""

_FROM_REMOVED = _ABOVE.format(
    such="JOIN renditions r ON r.tenant_id = :tenant AND r.asset_id = l.id AND r.state = 'removed'"
)
"""SQL condition: the bytes were made from others that were removed. It also applies to descendants
made later."""

_PROVES = ", ".join(f"'{one}'" for one in sorted(asset_records.DATED_SOURCES))
_FROM_UNDATED = _ABOVE.format(
    such="JOIN assets a ON a.tenant_id = :tenant AND a.id = l.id"
    f" WHERE a.origin <> 'generated' AND a.source NOT IN ({_PROVES})"
)
"""SQL condition: the asset was made from an upload without a proven date. The date of an upload
proves no production date."""

_MEDIA = f"""
SELECT renditions.sha256, renditions.mime, renditions.size, renditions.phash,
  CASE WHEN renditions.state = 'made' AND {_FROM_REMOVED} THEN 'removed' ELSE renditions.state
  END AS state,
  assets.id AS asset, assets.ai, assets.model, assets.label, assets.people_seen,
  CASE WHEN assets.source IN ({_PROVES}) OR (assets.origin = 'generated' AND NOT ({_FROM_UNDATED}))
    THEN assets.made_at END AS produced_at,
  (SELECT jsonb_agg(jsonb_build_object('source', i.source, 'people', i.people, 'words', i.words,
  'hidden', i.hidden,
     'returned', i.returned) ORDER BY i.source) FROM inspections i
   WHERE i.tenant_id = renditions.tenant_id AND i.sha256 = renditions.sha256) AS found,
  (SELECT jsonb_agg(jsonb_build_array(d.person_id, d.state) ORDER BY d.person_id, d.how) FROM
  depictions d
   WHERE d.tenant_id = assets.tenant_id AND d.asset_id = assets.id) AS shown,
  (SELECT b.confirmed FROM bystanders b WHERE b.tenant_id = assets.tenant_id AND b.asset_id =
  assets.id) AS bystanders,
  {label_lifts.LABEL_LIFTED_SQL} AS lifted, {depiction_bans.LOOKS_BANNED_SQL} AS banned,
  {_REVIEWS.format(about="'bytes'", digests="= renditions.sha256")},
  {queries.CARD_POSITION_SQL} AS card, {resemblances.RESEMBLANCES_OF_BYTES_SQL} AS likeness
FROM renditions JOIN assets ON assets.tenant_id = :tenant AND assets.id = renditions.asset_id
WHERE renditions.tenant_id = :tenant AND renditions.sha256 = ANY(:digests) ORDER BY
renditions.sha256
"""  # noqa: S608 - only constants
"""Bytes with their inspections, ratings, depictions, shoot cards and resemblances, in one statement
because every claim runs it."""


def review_facts(
    scope: Scope, about: str, digests: Collection[str]
) -> Mapping[str, Sequence[ReviewFacts]]:
    """Return the reviews of units or of bytes by digest, oldest first. Digests without a review are
    absent."""
    if not digests:
        return {}
    asked = _REVIEWS.format(about=":about", digests="= ANY(:digests)")
    row = scope.run(
        f"SELECT {asked}", tenant=scope.tenant_id, about=about, digests=list(digests)
    ).one()
    return _reviews_by_digest(row.reviews)


def _reviews_by_digest(
    stored: Iterable[Sequence[Any]] | None,
) -> Mapping[str, Sequence[ReviewFacts]]:
    found: dict[str, list[ReviewFacts]] = {}
    for digest, principal, verdict, seen, at in stored or ():
        found.setdefault(digest, []).append(
            ReviewFacts(UUID(principal), verdict == "approve", seen, _parse_instant(at))
        )
    return found


def media_facts_of_unit(
    scope: Scope, unit: Unit, *, to_decide: bool = True
) -> tuple[MediumFacts, ...]:
    """Return the facts of the media of a unit, of its earlier parts and of its references, by
    digest.

    Unrecorded bytes have no entry. The blocklist is searched for similar pictures only if
    `to_decide`.
    """
    return media_facts_of_bytes(
        scope, post_references.shown_digests(scope, unit), to_decide=to_decide
    )


def media_facts_of_bytes(
    scope: Scope, digests: Sequence[str], *, to_decide: bool = True
) -> tuple[MediumFacts, ...]:
    """Return the facts of these bytes, like `media_facts_of_unit`."""
    if not digests:
        return ()
    rows = scope.run(_MEDIA, tenant=scope.tenant_id, digests=digests).all()
    carded = queries.resolve_card_positions(
        scope, {row.asset: CardPosition.read(row.card) for row in rows if row.card}
    )
    rated = ratings.explain_ratings(scope, digests)
    refused = (
        lookalikes.blocklist_matches(scope, {row.sha256: row.phash for row in rows})
        if to_decide
        else {}
    )
    answers = answer_facts(scope, digests, {one: rated[one].rating for one in rated})
    return tuple(
        replace(
            _medium_from_row(
                row, rated[row.sha256], refused.get(row.sha256, ""), carded.get(row.asset)
            ),
            answer=answers.get(row.sha256, AnswerFacts("")),
        )
        for row in rows
    )


def _medium_from_row(
    row: Any, rated: AggregatedRating, refused: str, card: CardPositionFacts | None
) -> MediumFacts:
    found = row.found or ()
    said = tuple(_reviews_by_digest(row.reviews).get(row.sha256, ()))
    return MediumFacts(
        sha256=row.sha256,
        mime=row.mime,
        size=row.size,
        state=row.state,
        ai=row.ai,
        model=row.model,
        produced_at=row.produced_at,
        rating=rated.rating,
        prohibited=rated.prohibited,
        unsettled=_is_rating_unsettled(rated, said),
        people_seen=_highest_people_count(row.people_seen, found),
        shown=tuple(DepictionFacts(UUID(person), state) for person, state in row.shown or ()),
        reviews=said,
        blocked=reduce(lookalikes.stricter_match, (each["returned"] for each in found), refused),
        unanswered=_is_classifier_missing(found, rated),
        hidden=any(each["hidden"] for each in found),
        words=tuple(dict.fromkeys(word for each in found for word in each["words"])),
        card=card,
        likeness=resemblances.parse_resemblances(row.likeness),
        lowered_by=tuple(sorted(rated.lowered_by)),
        lowering_void=rated.lowering_void,
        bystanders=row.bystanders or 0,
        label=row.label,
        lifted=row.lifted,
        banned=row.banned,
    )


def _is_rating_unsettled(rated: AggregatedRating, said: Iterable[ReviewFacts]) -> bool:
    """Return True if classifiers disagree, or one rated higher than members did, and no review
    followed."""
    since = rated.raised_at
    return rated.unsettled or (since is not None and not any(review.at >= since for review in said))


def _is_classifier_missing(found: Iterable[Mapping[str, Any]], rated: AggregatedRating) -> bool:
    """Return True if a required classifier did not answer and no member rated the bytes instead."""
    return has_missing_classifier([each["source"] for each in found]) and not rated.by_person


def _highest_people_count(recorded: int | None, found: Iterable[Mapping[str, Any]]) -> int | None:
    counts = [recorded, *(each["people"] for each in found)]
    return max((count for count in counts if count is not None), default=None)


def people_named_in(media: Iterable[MediumFacts]) -> set[UUID]:
    """Return all persons depicted in the media or named on their shoot cards, and the creator where
    members said so."""
    seen = set[UUID]()
    signed = set[UUID]()
    for medium in media:
        seen |= people_of_medium(medium)
        signed |= set(medium.card.card.persons) if medium.card is not None else set()
        answer = medium.answer
        if answer is not None and answer.answer == DepictionAnswer.CREATOR:
            seen |= set(answer.creators)
    return seen | signed


_PEOPLE = (
    """
WITH asked AS (SELECT id, kind, state, twin_of FROM persons WHERE tenant_id = :tenant AND id =
ANY(:ids)),
known AS (
  SELECT id, kind, state, twin_of FROM asked
  UNION SELECT p.id, p.kind, p.state, p.twin_of FROM asked a
  JOIN persons p ON p.tenant_id = :tenant AND p.id = a.twin_of)
SELECT k.id, k.kind, k.state, k.twin_of, k.id = ANY(:ids) AS asked,
  (SELECT jsonb_agg(to_jsonb(i))
   FROM identity_checks i WHERE i.tenant_id = :tenant AND i.person_id = k.id
     AND i.withdrawn_at IS NULL AND NOT --inside) AS identities,
  (SELECT jsonb_agg(to_jsonb(g))
   FROM consent_grants g WHERE g.tenant_id = :tenant AND g.person_id = k.id) AS grants,
  --declared AS declared,
  --likeness AS likeness
FROM known k ORDER BY k.id
""".replace("--declared", DECLARATION_SQL)
    .replace("--likeness", resemblances.RESEMBLANCES_OF_REFERENCES_SQL)
    .replace("--inside", custodians.INSIDE_CUSTODIAN_SQL)
)
"""Persons, and the real persons behind AI doubles, with their evidence, in one statement because
every claim runs it."""


def person_facts(scope: Scope, ids: Collection[UUID]) -> tuple[PersonFacts, ...]:
    """Return the facts of persons, ordered by ID. An AI double includes the evidence of its real
    person."""
    if not ids:
        return ()
    known = {row.id: row for row in scope.run(_PEOPLE, tenant=scope.tenant_id, ids=list(ids))}
    return tuple(
        _person_from_row(row, known[row.twin_of] if row.twin_of else None)
        for row in known.values()
        if row.asked
    )


def _person_from_row(row: Any, behind: Any | None) -> PersonFacts:
    """Return the facts of a person, including those of the real person behind an AI double."""
    both = [row] if behind is None else [row, behind]
    checks = [each for one in both for each in one.identities or ()]
    grants = sorted((each for one in both for each in one.grants or ()), key=itemgetter("id"))
    return PersonFacts(
        id=row.id,
        kind=row.kind,
        state=_strictest_state(one.state for one in both),
        identities=tuple(
            map(
                _age_proof_from_row,
                sorted(checks, key=lambda one: (_parse_instant(one["verified_at"]), one["id"])),
            )
        ),
        grants=tuple(map(_consent_from_row, grants)),
        declaration=declaration_facts(row.declared),
        twin_of=row.twin_of,
        likeness=resemblances.parse_resemblances(row.likeness)
        if row.likeness is not None
        else None,
    )


def _strictest_state(states: Iterable[str]) -> PersonState:
    """Return the strictest state, so that the state of the real person also restricts the AI
    double."""
    found = set(states)
    return next((state for state in reversed(PersonState) if state in found), PersonState.ACTIVE)


def _parse_instant(said: str) -> datetime:
    """Return a timestamp from JSON in UTC."""
    return datetime.fromisoformat(said).astimezone(UTC)


def _age_proof_from_row(row: Mapping[str, Any]) -> AgeProof:
    until, on_day = (row[name] and _parse_instant(row[name]) for name in ("valid_until", "on_day"))
    return AgeProof(_parse_instant(row["verified_at"]), until, on_day)


def _consent_from_row(row: Mapping[str, Any]) -> ConsentFacts:
    return ConsentFacts(
        scope=row["scope"],
        surfaces=tuple(row["surfaces"]),
        max_rating=Rating(row["max_rating"]),
        valid_from=_parse_instant(row["valid_from"]),
        valid_until=_parse_instant(row["valid_until"]),
        revoked=row["revoked_at"] is not None,
        card=row["card_id"] and UUID(row["card_id"]),
    )
