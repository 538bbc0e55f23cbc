"""What is known of media and of the people in them: a fixed number of statements, however many there are."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import reduce
from operator import attrgetter
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
    ConsentGrant,
    Declaration,
    Depiction,
    HumanReview,
    IdentityCheck,
    Person,
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


def persons(scope: Scope, ids: Collection[UUID]) -> tuple[PersonFacts, ...]:
    """What is known of people, by id; a double comes with the evidence of the real person behind it."""
    people = _people(scope, ids)
    behind = {row.twin_of for row in people if row.twin_of is not None}
    known = {row.id: row for row in [*people, *_people(scope, behind - {row.id for row in people})]}
    identities = _by("person_id", _papers(scope, IdentityCheck, known))
    grants = _by("person_id", _papers(scope, ConsentGrant, known))
    declared = {row.person_id: row for row in _papers(scope, Declaration, known)}  # the newest one stays
    return tuple(
        PersonFacts(
            id=row.id,
            kind=row.kind,
            state=_worst(known[each].state for each in (row.id, row.twin_of) if each is not None),
            identities=tuple(map(_identity, _both(row, identities, attrgetter("verified_at", "id")))),
            grants=tuple(map(_grant, _both(row, grants, attrgetter("id")))),
            declaration=_declared(declared.get(row.id)),
        )
        for row in people
    )


def _people(scope: Scope, ids: Collection[UUID]) -> Sequence[Person]:
    if not ids:
        return ()
    return scope.session.exec(
        select(Person).where(Person.tenant_id == scope.tenant_id, col(Person.id).in_(ids)).order_by(col(Person.id))
    ).all()


def _papers(scope: Scope, table: Any, ids: Collection[UUID]) -> Iterable[Any]:
    """The rows of these people, the oldest first."""
    if not ids:
        return ()
    found: Iterable[Any] = scope.session.exec(
        select(table).where(table.tenant_id == scope.tenant_id, table.person_id.in_(ids)).order_by(table.id)
    )
    return found


def _by(name: str, rows: Iterable[Row]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = {}
    for row in rows:
        found.setdefault(getattr(row, name), []).append(row)
    return found


def _both(person: Person, rows: Mapping[UUID, Sequence[Row]], order: Callable[[Row], Any]) -> list[Row]:
    """A person's rows, with those of the real person behind a double."""
    ids = [each for each in (person.id, person.twin_of) if each is not None]
    return sorted((row for each in ids for row in rows.get(each, ())), key=order)


def _worst(states: Iterable[str]) -> PersonState:
    """Who is behind a double decides too."""
    found = set(states)
    return next((state for state in reversed(PersonState) if state in found), PersonState.ACTIVE)


def _identity(row: IdentityCheck) -> Identity:
    return Identity(row.verified_at, row.valid_until, row.on_day)


def _grant(row: ConsentGrant) -> Grant:
    return Grant(
        scope=row.scope,
        surfaces=tuple(row.surfaces),
        max_rating=Rating(row.max_rating),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        revoked=row.revoked_at is not None,
        card=row.card_id,
    )


def _declared(row: Declaration | None) -> Declared | None:
    """A change of model or references is declared anew."""
    if row is None:
        return None
    return Declared(row.adult_licence, row.reviewed_by is not None and row.reviewed_by != row.declared_by)
