"""Shoot cards: the day, persons, purposes and number of pictures of a shoot. A card never changes
and has no effect until it is signed.

Members create them, the persons named sign in their portals (`gate/consent/card_answers.py`), and
pictures are assigned later (`gate/consent/asset_bindings.py`). `gate/decision/shoot_card_terms.py`
determines their effect.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from gate.consent.models import ShootCard
from gate.consent.queries import CARDS_SQL, CardPerson, card_day_bounds, parse_card_facts
from gate.contract.units import Rating
from gate.decision.shoot_card_terms import REQUIRED_SCOPES, CardStatus, card_signers, card_status
from gate.people.persons import MAX_CONSENT_PERIOD, REAL_PERSON
from tenants import audit
from tenants.agencies import queries

CARD_SCOPES = ("depict", "publish", "download_sell")
MAX_CARD_PEOPLE = 20
MAX_CARD_PICTURES = 500


@dataclass(frozen=True)
class CardTerms:
    """The terms of a card.

    `persons` are the people depicted; the card is valid for `months` from the day.
    """

    day: date
    zone: str
    country: str
    persons: tuple[UUID, ...]
    scopes: tuple[str, ...]
    surfaces: tuple[str, ...]
    max_rating: Rating
    pictures: int
    months: int


def create_card(scope: Scope, creator_id: UUID, terms: CardTerms) -> UUID:
    """Create a card and return its ID. It has no effect until everyone it names has signed it.

    Raises NotFound for a creator or person of another agency, BadInput for invalid terms: a day in
    the future, no persons, no surface, more than 24 months, or a synthetic person.
    """
    queries.get_creator(scope, creator_id)
    begins, _ = card_day_bounds(terms.day, terms.zone)
    _validate_terms(terms, begins, scope.now)
    people = _check_real_people(scope, terms.persons)
    until = min(begins + timedelta(days=31 * terms.months), begins + MAX_CONSENT_PERIOD)
    card = ShootCard(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        day=terms.day,
        zone=terms.zone,
        country=terms.country,
        scopes=[one for one in CARD_SCOPES if one in terms.scopes],
        surfaces=sorted(set(terms.surfaces)),
        max_rating=str(terms.max_rating),
        pictures=terms.pictures,
        valid_until=until,
        made_by=scope.actor,
    )
    scope.add(card)
    scope.add(
        *(CardPerson(tenant_id=scope.tenant_id, card_id=card.id, person_id=one) for one in people)
    )
    audit.record(scope, "card.made", f"card:{card.id}")
    return card.id


def _validate_terms(terms: CardTerms, begins: datetime, now: datetime) -> None:
    if begins > now:
        raise BadInput("card.day_to_come").about("day")
    if not 1 <= len(set(terms.persons)) <= MAX_CARD_PEOPLE:
        raise BadInput("card.nobody", most=MAX_CARD_PEOPLE)
    country = terms.country
    if (
        not set(terms.scopes) >= REQUIRED_SCOPES
        or not set(terms.scopes) <= set(CARD_SCOPES)
        or not terms.surfaces
        or terms.max_rating is Rating.X
        or not 1 <= terms.pictures <= MAX_CARD_PICTURES
        or not 1 <= terms.months <= MAX_CONSENT_PERIOD.days // 30
        or (country and not (len(country) == 2 and country.isascii() and country.isupper()))
    ):
        raise BadInput("card.invalid")
    if now >= begins + timedelta(days=31 * terms.months):
        raise BadInput("card.over")


def _check_real_people(scope: Scope, persons: Iterable[UUID]) -> list[UUID]:
    wanted = sorted(set(persons))
    found = scope.run(
        "SELECT id, kind, state FROM persons WHERE tenant_id = :tenant AND id = ANY(:ids)",
        tenant=scope.tenant_id,
        ids=wanted,
    ).all()
    if len(found) != len(wanted):
        raise NotFound("person.unknown")
    if any(one.kind != REAL_PERSON or one.state != "active" for one in found):
        raise BadInput("card.invalid")
    return wanted


@dataclass(frozen=True)
class CardSigner:
    """A person on a card with the name that members use; `said` is open, signed, declined or
    withdrawn."""

    person_id: UUID
    name: str
    said: str


@dataclass(frozen=True)
class ShootCardView:
    """A card as members see it; `used` is the number of pictures assigned to it."""

    id: UUID
    creator_id: UUID
    day: date
    zone: str
    country: str
    scopes: tuple[str, ...]
    surfaces: tuple[str, ...]
    max_rating: Rating
    pictures: int
    used: int
    valid_until: datetime
    standing: CardStatus
    people: tuple[CardSigner, ...]


def list_cards(scope: Scope, creators: Collection[UUID], *, limit: int = 50) -> list[ShootCardView]:
    """Return the cards of these creators, latest day first."""
    if not creators:
        return []
    rows = scope.run(
        f"{CARDS_SQL} AND c.creator_id = ANY(:creators) ORDER BY c.day DESC, c.id DESC LIMIT "
        ":limit",
        tenant=scope.tenant_id,
        creators=list(creators),
        limit=limit,
    ).all()
    names = _names_by_person(scope, {person for row in rows for person in row.persons or ()})
    used = _asset_counts_by_card(scope, [row.id for row in rows])
    return [_card_view_from_row(scope, row, names, used.get(row.id, 0)) for row in rows]


def _card_view_from_row(
    scope: Scope, row: Any, names: Mapping[UUID, str], used: int
) -> ShootCardView:
    card = parse_card_facts(row)
    signed = card_signers(card)
    ended = {one.person: one.said for one in card.answers if one.said != CardStatus.SIGNED}
    return ShootCardView(
        **{
            name: value
            for name, value in asdict(card).items()
            if name in ShootCardView.__dataclass_fields__
        },
        creator_id=card.creator,
        used=used,
        standing=card_status(card, scope.now),
        people=tuple(
            CardSigner(
                one,
                names[one],
                ended.get(one, CardStatus.SIGNED if one in signed else CardStatus.OPEN),
            )
            for one in sorted(card.persons, key=lambda one: (names[one], one))
        ),
    )


def _names_by_person(scope: Scope, people: Collection[UUID]) -> dict[UUID, str]:
    rows = scope.run(
        "SELECT id, display_ref FROM persons WHERE tenant_id = :tenant AND id = ANY(:ids)",
        tenant=scope.tenant_id,
        ids=list(people),
    )
    return {row.id: row.display_ref for row in rows}


def _asset_counts_by_card(scope: Scope, cards: Collection[UUID]) -> dict[UUID, int]:
    rows = scope.run(
        "SELECT card_id, count(*) AS used FROM shoot_card_assets WHERE tenant_id = :tenant AND "
        "card_id = ANY(:ids)"
        " GROUP BY card_id",
        tenant=scope.tenant_id,
        ids=list(cards),
    )
    return {row.card_id: row.used for row in rows}
