"""What is known of media and of the people in them: a fixed number of statements, however many there are."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import itemgetter
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, literal_column
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlmodel import col, func, select

from foundation.database import Scope
from gate import cardfacts, looks, ratings
from gate.carded import everybody
from gate.cardfacts import Place
from gate.facts import Declared, Grant, Identity, MediumFacts, PersonFacts, ReviewFacts, Shown
from gate.inspecting import NOBODY, Inspection
from gate.models import (
    Asset,
    Depiction,
    HumanReview,
    Rendition,
)
from gate.states import PersonState
from gate.units import Rating, Unit
from gate.weighing import ADVICE, Rated

K = TypeVar("K")
Row = TypeVar("Row")

_PROVES = frozenset({"generation", "capture", "publication"})
"""Sources of a production date that count; what a shoot card says is read from the card."""


_INSPECTED = (
    select(
        func.jsonb_agg(
            aggregate_order_by(
                func.jsonb_build_object(
                    *("source", col(Inspection.source), "people", col(Inspection.people)),
                    *("words", col(Inspection.words), "hidden", col(Inspection.hidden)),
                    *("returned", col(Inspection.returned)),
                ),
                col(Inspection.source),
            )
        )
    )
    .where(Inspection.tenant_id == Rendition.tenant_id, Inspection.sha256 == Rendition.sha256)
    .correlate(Rendition)
    .scalar_subquery()
)
"""What was found in a rendition, read with it: a decision makes no statement more."""


_PLACED: ColumnElement[Any] = literal_column(cardfacts.PLACE, JSONB)


def reviews(scope: Scope, about: str, digests: Collection[str]) -> Mapping[str, Sequence[ReviewFacts]]:
    """What people said of units or of bytes, by digest, oldest first; digests nobody spoke of are absent."""
    if not digests:
        return {}
    rows = scope.session.exec(
        select(HumanReview)
        .where(
            HumanReview.tenant_id == scope.tenant_id,
            HumanReview.about == about,
            col(HumanReview.digest).in_(digests),
        )
        .order_by(col(HumanReview.created_at), col(HumanReview.id))
    )
    found: dict[str, list[ReviewFacts]] = {}
    for row in rows:
        said = ReviewFacts(row.principal_id, row.verdict == "approve", row.seen_percent, row.created_at or scope.now)
        found.setdefault(row.digest, []).append(said)
    return found


def media(scope: Scope, unit: Unit, *, to_decide: bool = True) -> tuple[MediumFacts, ...]:
    """What is known of a unit's media, by digest; bytes nobody recorded are missing. Only `to_decide` is every picture
    compared with the blocklist."""
    digests = sorted({medium.sha256 for medium in unit.media})
    if not digests:
        return ()
    rows = scope.session.exec(
        select(Rendition, Asset, _INSPECTED, _PLACED)
        .where(
            Rendition.tenant_id == scope.tenant_id,
            Asset.tenant_id == scope.tenant_id,
            Asset.id == Rendition.asset_id,
            col(Rendition.sha256).in_(digests),
        )
        .order_by(col(Rendition.sha256))
    ).all()
    shown = _shown(scope, {asset.id for _, asset, _, _ in rows})
    carded = cardfacts.placed(scope, {asset.id: Place.read(place) for _, asset, _, place in rows if place})
    rated = ratings.rated_all(scope, digests)
    said = reviews(scope, "bytes", digests)
    refused = looks.blocked(scope, {one.sha256: one.phash for one, _, _, _ in rows}) if to_decide else {}
    return tuple(
        MediumFacts(
            sha256=rendition.sha256,
            mime=rendition.mime,
            size=rendition.size,
            state=rendition.state,
            ai=asset.ai,
            produced_at=asset.made_at if asset.source in _PROVES or asset.origin == "generated" else None,
            rating=rated[rendition.sha256].rating,
            prohibited=rated[rendition.sha256].prohibited,
            unsettled=_unsettled(rated[rendition.sha256], said.get(rendition.sha256, ())),
            people_seen=_most(asset.people_seen, found),
            shown=tuple(shown.get(asset.id, ())),
            reviews=tuple(said.get(rendition.sha256, ())),
            blocked=reduce(looks.worse, (each["returned"] for each in found or ()), refused.get(rendition.sha256, "")),
            unanswered=_unanswered(found or (), rated[rendition.sha256]),
            hidden=any(each["hidden"] for each in found or ()),
            words=tuple(dict.fromkeys(word for each in found or () for word in each["words"])),
            card=carded.get(asset.id),
        )
        for rendition, asset, found, _ in rows
    )


def _unsettled(rated: Rated, said: Iterable[ReviewFacts]) -> bool:
    """Whether machines differ too much, or one went above what people said, and nobody has looked since."""
    since = rated.raised_at
    return rated.unsettled or (since is not None and not any(review.at >= since for review in said))


def _unanswered(found: Iterable[Mapping[str, Any]], rated: Rated) -> bool:
    """Whether a classifier should have looked and none has, and no person rated the bytes instead."""
    sources = [each["source"] for each in found]
    return NOBODY in sources and not any(source.startswith(ADVICE) for source in sources) and not rated.by_person


def _most(recorded: int | None, found: Iterable[Mapping[str, Any]] | None) -> int | None:
    counts = [recorded, *(each["people"] for each in found or ())]
    return max((count for count in counts if count is not None), default=None)


def _shown(scope: Scope, assets: Collection[UUID]) -> Mapping[UUID, Sequence[Shown]]:
    rows = scope.session.exec(
        select(Depiction)
        .where(Depiction.tenant_id == scope.tenant_id, col(Depiction.asset_id).in_(assets))
        .order_by(col(Depiction.person_id), col(Depiction.how))
    )
    return {asset: [Shown(row.person_id, row.state) for row in each] for asset, each in _by("asset_id", rows).items()}


def named(media: Iterable[MediumFacts]) -> set[UUID]:
    """Everybody whom pictures show, or their shoot cards name."""
    seen, signed = set[UUID](), set[UUID]()
    for medium in media:
        seen |= everybody(medium)
        signed |= set(medium.card.card.persons) if medium.card is not None else set()
    return seen | signed


_PEOPLE = """
WITH asked AS (SELECT id, kind, state, twin_of FROM persons WHERE tenant_id = :tenant AND id = ANY(:ids)),
known AS (
  SELECT id, kind, state, twin_of FROM asked
  UNION SELECT p.id, p.kind, p.state, p.twin_of FROM asked a
  JOIN persons p ON p.tenant_id = :tenant AND p.id = a.twin_of)
SELECT k.id, k.kind, k.state, k.twin_of, k.id = ANY(:ids) AS asked,
  (SELECT jsonb_agg(to_jsonb(i))
   FROM identity_checks i WHERE i.tenant_id = :tenant AND i.person_id = k.id) AS identities,
  (SELECT jsonb_agg(to_jsonb(g))
   FROM consent_grants g WHERE g.tenant_id = :tenant AND g.person_id = k.id) AS grants,
  (SELECT to_jsonb(d) FROM declarations d WHERE d.tenant_id = :tenant AND d.person_id = k.id
   ORDER BY d.id DESC LIMIT 1) AS declared
FROM known k ORDER BY k.id
"""
"""People, and who is behind those who are doubles, with all their papers: in one statement, since every claim asks."""


def persons(scope: Scope, ids: Collection[UUID]) -> tuple[PersonFacts, ...]:
    """What is known of people, by id; a double comes with the evidence of the real person behind it."""
    if not ids:
        return ()
    known = {row.id: row for row in scope.run(_PEOPLE, tenant=scope.tenant_id, ids=list(ids))}
    return tuple(_person(row, known[row.twin_of] if row.twin_of else None) for row in known.values() if row.asked)


def _person(row: Any, behind: Any | None) -> PersonFacts:
    """A person's facts, with those of the real person behind a double."""
    both = [row] if behind is None else [row, behind]
    checks = [each for one in both for each in one.identities or ()]
    grants = sorted((each for one in both for each in one.grants or ()), key=itemgetter("id"))
    return PersonFacts(
        id=row.id,
        kind=row.kind,
        state=_worst(one.state for one in both),
        identities=tuple(map(_identity, sorted(checks, key=lambda one: (_at(one["verified_at"]), one["id"])))),
        grants=tuple(map(_grant, grants)),
        declaration=_declared(row.declared),
    )


def _by(name: str, rows: Iterable[Row]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = {}
    for row in rows:
        found.setdefault(getattr(row, name), []).append(row)
    return found


def _worst(states: Iterable[str]) -> PersonState:
    """Who is behind a double decides too."""
    found = set(states)
    return next((state for state in reversed(PersonState) if state in found), PersonState.ACTIVE)


def _at(said: str) -> datetime:
    """An instant as it stands in JSON."""
    return datetime.fromisoformat(said).astimezone(UTC)


def _identity(row: Mapping[str, Any]) -> Identity:
    until, on_day = (row[name] and _at(row[name]) for name in ("valid_until", "on_day"))
    return Identity(_at(row["verified_at"]), until, on_day)


def _grant(row: Mapping[str, Any]) -> Grant:
    return Grant(
        scope=row["scope"],
        surfaces=tuple(row["surfaces"]),
        max_rating=Rating(row["max_rating"]),
        valid_from=_at(row["valid_from"]),
        valid_until=_at(row["valid_until"]),
        revoked=row["revoked_at"] is not None,
        card=row["card_id"] and UUID(row["card_id"]),
    )


def _declared(row: Mapping[str, Any] | None) -> Declared | None:
    """A change of model or references is declared anew."""
    if row is None:
        return None
    return Declared(row["adult_licence"], row["reviewed_by"] is not None and row["reviewed_by"] != row["declared_by"])
