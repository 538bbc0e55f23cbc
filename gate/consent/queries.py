"""Shoot cards: the tables of their persons, answers and pictures, the facts that decisions read,
and the originals of assets."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint

import gate.assets.models
import gate.consent.models
import gate.people.models  # noqa: F401  foreign keys refer to its tables
from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.db.tables import FOREVER, TenantRow, table_arguments, timestamp_column
from foundation.errors import BadInput, NotFound
from gate.contract.facts import CardAnswerFacts, CardPositionFacts, ShootCardFacts
from gate.contract.units import Rating


def _tenant_foreign_key(
    *columns: str, to: str, keys: Sequence[str] = ("id",)
) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", *columns], [f"{to}.{key}" for key in ("tenant_id", *keys)]
    )


class CardPerson(TenantRow, table=True):
    """A person named on a card."""

    __tablename__ = "shoot_card_people"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "card_id", "person_id", name="shoot_card_people_once"),
        Index("shoot_card_people_person", "tenant_id", "person_id"),
        _tenant_foreign_key("card_id", to="shoot_cards"),
        _tenant_foreign_key("person_id", to="persons"),
        about="person",
        keep=FOREVER,
    )
    card_id: UUID
    person_id: UUID


class CardAnswer(TenantRow, table=True):
    """The answer of a person named on a card: signed, declined or withdrawn. Append-only."""

    __tablename__ = "shoot_card_answers"
    __table_args__ = table_arguments(
        UniqueConstraint(
            "tenant_id", "card_id", "person_id", "said", name="shoot_card_answers_once"
        ),
        _tenant_foreign_key(
            "card_id", "person_id", to="shoot_card_people", keys=("card_id", "person_id")
        ),
        about="person",
        keep=FOREVER,
    )
    card_id: UUID
    person_id: UUID
    said: str
    digest: str
    said_by: str


class CardAsset(TenantRow, table=True):
    """A picture on a card: its position, and the time since which it or a similar one is known."""

    __tablename__ = "shoot_card_assets"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "asset_id", name="shoot_card_assets_one"),
        UniqueConstraint("tenant_id", "card_id", "place", name="shoot_card_assets_place"),
        _tenant_foreign_key("card_id", to="shoot_cards"),
        _tenant_foreign_key("asset_id", to="assets"),
        about="creator",
        keep="while published, then 5 years",
    )
    card_id: UUID
    asset_id: UUID
    place: int
    known_at: datetime = timestamp_column()
    bound_by: str


def card_day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return the beginning and the end of a day in a time zone, UTC-aware. Raises BadInput for an
    unknown zone or an impossible day."""
    try:
        place = ZoneInfo(zone)
        begins = datetime.combine(day, time(), place)
        return begins.astimezone(UTC), datetime.combine(
            day + timedelta(days=1), time(), place
        ).astimezone(UTC)
    except (ZoneInfoNotFoundError, ValueError, OverflowError, OSError) as error:
        raise BadInput("card.invalid") from error


CARDS_SQL = """
SELECT c.id, c.creator_id, c.day, c.zone, c.country, c.scopes, c.surfaces, c.max_rating,
c.pictures, c.valid_until,
  c.created_at, (SELECT array_agg(p.person_id ORDER BY p.person_id) FROM shoot_card_people p
    WHERE p.tenant_id = c.tenant_id AND p.card_id = c.id) AS persons,
  (SELECT jsonb_agg(jsonb_build_array(a.person_id, a.said, a.created_at, a.said_by, a.digest)
      ORDER BY a.created_at, a.id) FROM shoot_card_answers a
    WHERE a.tenant_id = c.tenant_id AND a.card_id = c.id) AS answers
FROM shoot_cards c WHERE c.tenant_id = :tenant
"""


def parse_card_facts(row: Any) -> ShootCardFacts:
    """Return the facts of a row of `CARDS_SQL`.

    The digest is computed from the row, so that a changed card gets another digest.
    """
    begins, ends = card_day_bounds(row.day, row.zone)
    said = {
        "id": row.id,
        "creator": row.creator_id,
        "day": row.day,
        "zone": row.zone,
        "country": row.country,
        "persons": tuple(row.persons or ()),
        "scopes": tuple(row.scopes),
        "surfaces": tuple(row.surfaces),
        "max_rating": Rating(row.max_rating),
        "pictures": row.pictures,
        "valid_until": row.valid_until.astimezone(UTC),
    }
    digest = hashlib.sha256(canonical_json(said)).hexdigest()
    answers = tuple(
        CardAnswerFacts(UUID(person), what, datetime.fromisoformat(at), by, of)
        for person, what, at, by, of in row.answers or ()
    )
    return ShootCardFacts(digest=digest, starts_at=begins, ends_at=ends, answers=answers, **said)


def get_card_facts(scope: Scope, card_id: UUID) -> ShootCardFacts:
    """Return the facts of a card. Raises NotFound, also for cards of another tenant."""
    row = scope.run(f"{CARDS_SQL} AND c.id = :id", tenant=scope.tenant_id, id=card_id).first()
    if row is None:
        raise NotFound("card.unknown")
    return parse_card_facts(row)


_NAMING = """
AND c.id IN (SELECT card_id FROM shoot_card_people WHERE tenant_id = :tenant AND person_id =
:person)
ORDER BY c.day DESC, c.id DESC LIMIT 100
"""


def cards_naming_person(scope: Scope, person_id: UUID) -> list[ShootCardFacts]:
    """Return the cards that name a person, latest day first."""
    rows = scope.run(
        CARDS_SQL + _NAMING,
        tenant=scope.tenant_id,
        person=person_id,
    )
    return [parse_card_facts(row) for row in rows]


_ORIGINS = """
WITH RECURSIVE line AS (
  SELECT a.id AS asset, a.id, a.parent_id, 0 AS depth FROM assets a WHERE a.tenant_id = :tenant
  AND a.id = ANY(:assets)
  UNION ALL SELECT l.asset, a.id, a.parent_id, l.depth + 1
  FROM line l JOIN assets a ON a.tenant_id = :tenant AND a.id = l.parent_id WHERE l.depth < 20)
SELECT l.asset, l.id AS origin, b.card_id, b.place, b.known_at FROM line l
LEFT JOIN shoot_card_assets b ON b.tenant_id = :tenant AND b.asset_id = l.id WHERE l.parent_id IS
NULL
"""


def original_assets(scope: Scope, assets: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the original of each of these assets; one without a parent is its own original."""
    if not assets:
        return {}
    rows = scope.run(_ORIGINS, tenant=scope.tenant_id, assets=list(assets))
    return {row.asset: row.origin for row in rows}


def card_positions_of_assets(
    scope: Scope, assets: Collection[UUID]
) -> dict[UUID, CardPositionFacts]:
    """Return the card positions of the originals of these assets, by asset. Assets without a card
    are absent.

    An edit belongs to the card of its original, because it has no shoot day.
    """
    if not assets:
        return {}
    rows = scope.run(_ORIGINS, tenant=scope.tenant_id, assets=list(assets))
    return resolve_card_positions(
        scope,
        {
            row.asset: CardPosition(row.card_id, row.place, row.known_at)
            for row in rows
            if row.card_id
        },
    )


@dataclass(frozen=True)
class CardPosition:
    """The position of an asset on a card."""

    card: UUID
    place: int
    known_at: datetime

    @classmethod
    def read(cls, stored: tuple[str, int, str]) -> "CardPosition":
        """Parse the value of `CARD_POSITION_SQL`."""
        return cls(UUID(stored[0]), stored[1], datetime.fromisoformat(stored[2]))


CARD_POSITION_SQL = """
(WITH RECURSIVE line AS (
  SELECT assets.id, assets.parent_id, 0 AS depth
  UNION ALL SELECT a.id, a.parent_id, l.depth + 1
  FROM line l JOIN assets a ON a.tenant_id = assets.tenant_id AND a.id = l.parent_id WHERE
  l.depth < 20)
SELECT jsonb_build_array(b.card_id, b.place, b.known_at) FROM line l
JOIN shoot_card_assets b ON b.tenant_id = assets.tenant_id AND b.asset_id = l.id WHERE
l.parent_id IS NULL)
"""
"""The card position of the original of a row of `assets`, as a column, so that a decision needs no
further statement."""


def resolve_card_positions(
    scope: Scope, places: Mapping[UUID, CardPosition]
) -> dict[UUID, CardPositionFacts]:
    """Return the positions with the facts of their cards, by asset."""
    if not places:
        return {}
    wanted = sorted({each.card for each in places.values()})
    read = scope.run(f"{CARDS_SQL} AND c.id = ANY(:ids)", tenant=scope.tenant_id, ids=wanted)
    known = {row.id: parse_card_facts(row) for row in read}
    return {
        asset: CardPositionFacts(known[each.card], each.place, each.known_at)
        for asset, each in places.items()
    }
