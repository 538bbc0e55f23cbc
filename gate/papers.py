"""What is known of media and of the people in them: a fixed number of statements, however many there are."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from gate import looks, ratings
from gate.facts import Declared, Grant, Identity, MediumFacts, PersonFacts, ReviewFacts, Shown
from gate.models import Asset, ConsentGrant, Declaration, Depiction, HumanReview, IdentityCheck, Person, Rendition
from gate.states import PersonState
from gate.units import Rating, Unit

K = TypeVar("K")
Row = TypeVar("Row")

_PROVES = frozenset({"generation", "capture", "publication", "shoot_card"})
"""Sources of a production date that count."""


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
        select(Rendition, Asset)
        .where(
            Rendition.tenant_id == scope.tenant_id,
            Asset.tenant_id == scope.tenant_id,
            Asset.id == Rendition.asset_id,
            col(Rendition.sha256).in_(digests),
        )
        .order_by(col(Rendition.sha256))
    ).all()
    shown = _shown(scope, {asset.id for _, asset in rows})
    rated = ratings.rated_all(scope, digests)
    said = reviews(scope, "bytes", digests)
    refused = looks.blocked(scope, {one.sha256: one.phash for one, _ in rows}) if to_decide else {}
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
            unsettled=rated[rendition.sha256].unsettled,
            people_seen=asset.people_seen,
            shown=tuple(shown.get(asset.id, ())),
            reviews=tuple(said.get(rendition.sha256, ())),
            blocked=refused.get(rendition.sha256, ""),
        )
        for rendition, asset in rows
    )


def _shown(scope: Scope, assets: Collection[UUID]) -> Mapping[UUID, Sequence[Shown]]:
    rows = scope.session.exec(
        select(Depiction)
        .where(Depiction.tenant_id == scope.tenant_id, col(Depiction.asset_id).in_(assets))
        .order_by(col(Depiction.person_id), col(Depiction.how))
    )
    return {asset: [Shown(row.person_id, row.state) for row in each] for asset, each in _by("asset_id", rows).items()}


def persons(scope: Scope, ids: Collection[UUID]) -> tuple[PersonFacts, ...]:
    """What is known of people, by id; a double comes with the evidence of the real person behind it."""
    people = _people(scope, ids)
    behind = {row.twin_of for row in people if row.twin_of is not None}
    known = {row.id: row for row in [*people, *_people(scope, behind - {row.id for row in people})]}
    identities = _by("person_id", _papers(scope, IdentityCheck, known, IdentityCheck.verified_at))
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


def _papers(scope: Scope, table: Any, ids: Collection[UUID], *first: Any) -> Iterable[Any]:
    if not ids:
        return ()
    found: Iterable[Any] = scope.session.exec(
        select(table)
        .where(table.tenant_id == scope.tenant_id, table.person_id.in_(ids))
        .order_by(*(col(each) for each in first), table.id)
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
    )


def _declared(row: Declaration | None) -> Declared | None:
    """A change of model or references is declared anew."""
    if row is None:
        return None
    return Declared(row.adult_licence, row.reviewed_by is not None and row.reviewed_by != row.declared_by)
