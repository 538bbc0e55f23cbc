"""Assets, their bytes, who is shown in them and how they are rated. Ratings only go up here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import uuid7
from foundation.words import Message
from gate import epochs, journal
from gate.models import Asset, ContentRating, Depiction, Rendition
from gate.units import Rating
from gate.weighing import MEMBER, Rated, together

AI = ("none", "assisted", "generated")


@dataclass(frozen=True)
class Standing:
    """How bytes stand: their rating, None while nobody judged them; `withheld` from everybody, members too: never
    allowed, or frozen until somebody decided."""

    rating: Rating | None
    withheld: bool


@dataclass(frozen=True)
class Stored:
    """A rendition: what of it a unit needs. `size` in bytes; `ai` as its asset says."""

    sha256: str
    mime: str
    size: int
    width: int
    height: int
    ai: str


def record_asset(
    scope: Scope,
    *,
    creator_id: UUID,
    origin: str,
    ai: str,
    engine: str,
    made_at: datetime | None,
    source: str,
    parent: UUID | None = None,
    people_seen: int | None = None,
) -> UUID:
    """Write down one origin of bytes; returns its id.

    Args:
        origin: generated, upload or import.
        ai: none, assisted or generated.
        made_at: start of production, UTC-aware; None when nobody knows.
        source: what proves `made_at`: generation, capture or publication; anything else proves nothing.
        parent: the asset this one was made from: it keeps the older date, or that there is none, and the people shown.
        people_seen: how many people a detector counted; None when none ran.

    Raises BadInput for an unknown `ai`, NotFound for an unknown parent.
    """
    if ai not in AI:
        raise BadInput("asset.bad_mark", mark=ai)
    older = _asset(scope, parent) if parent is not None else None
    if older is not None:  # nobody knows when something was made that was made from what nobody dated
        made_at = older.made_at and min(made_at or older.made_at, older.made_at)
    row = Asset(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        origin=origin,
        ai=ai if older is None else max(ai, older.ai, key=AI.index),
        engine=engine,
        made_at=made_at,
        source=source if older is None else older.source,
        parent_id=parent,
        people_seen=people_seen,
    )
    with scope.acting_as("gate"):
        scope.add(row)
        if older is not None:
            scope.add(*_inherited(scope, older.id, row.id))
    return row.id


def _asset(scope: Scope, asset_id: UUID) -> Asset:
    row = scope.session.get(Asset, (scope.tenant_id, asset_id))
    if row is None:
        raise NotFound("asset.unknown")
    return row


def _inherited(scope: Scope, parent: UUID, child: UUID) -> Sequence[Depiction]:
    """The people of the parent: they are never looked for anew in a blurred or cut picture."""
    found = scope.session.exec(
        select(Depiction).where(Depiction.tenant_id == scope.tenant_id, Depiction.asset_id == parent)
    )
    return [
        Depiction(
            tenant_id=scope.tenant_id,
            asset_id=child,
            person_id=row.person_id,
            how=row.how,
            state=row.state,
            confirmed_by=row.confirmed_by,
        )
        for row in found
    ]


_RECORD = """
INSERT INTO renditions
  (tenant_id, id, asset_id, sha256, mime, size, width, height, profile, parent_sha256, phash, state)
VALUES (:tenant, :id, :asset, :sha256, :mime, :size, :width, :height, :profile, :parent, :phash, 'made')
ON CONFLICT (tenant_id, sha256) DO NOTHING
"""


def record_rendition(
    scope: Scope,
    asset_id: UUID,
    *,
    sha256: str,
    mime: str,
    size: int,
    width: int,
    height: int,
    profile: str,
    parent: str | None = None,
    phash: str | None = None,
) -> UUID:
    """Write down final bytes by their SHA-256 (64 hexadecimal digits); returns the rendition's id.

    Bytes known already stay the rendition of their first asset, with its ratings, people and marks, and this asset
    becomes a child of it. `parent` is the SHA-256 of the bytes they were derived from; `phash` 64 bits in hexadecimal.

    Raises NotFound for an unknown asset.
    """
    own = _asset(scope, asset_id)
    with scope.acting_as("gate"):
        scope.run(
            _RECORD,
            tenant=scope.tenant_id,
            id=uuid7(),
            asset=asset_id,
            sha256=sha256,
            mime=mime,
            size=size,
            width=width,
            height=height,
            profile=profile,
            parent=parent,
            phash=phash,
        )
        row = recorded(scope, sha256)
        if row.asset_id != asset_id and own.parent_id is None:
            own.parent_id = row.asset_id
            scope.add(own)
    return row.id


def recorded(scope: Scope, sha256: str) -> Rendition:
    """The rendition of bytes. Raises NotFound for bytes nobody recorded."""
    row = scope.session.exec(
        select(Rendition).where(Rendition.tenant_id == scope.tenant_id, Rendition.sha256 == sha256)
    ).first()
    if row is None:
        raise NotFound("asset.unknown")
    return row


def rendition(scope: Scope, asset_id: UUID, profile: str) -> Stored | None:
    """The newest rendition of an asset for a profile, its parent's when it has none; None when there is none."""
    asset = scope.session.get(Asset, (scope.tenant_id, asset_id))
    if asset is None:
        return None
    row = scope.session.exec(
        select(Rendition)
        .where(Rendition.tenant_id == scope.tenant_id, Rendition.asset_id == asset_id, Rendition.profile == profile)
        .order_by(col(Rendition.id).desc())
    ).first()
    if row is not None:
        return Stored(row.sha256, row.mime, row.size, row.width, row.height, asset.ai)
    return rendition(scope, asset.parent_id, profile) if asset.parent_id is not None else None


def rate(scope: Scope, sha256: str, rating: Rating, *, source: str, reason: Message | None = None) -> None:
    """Rate bytes. The highest of all ratings counts, so this can raise and never lower.

    `source` is `classifier:<name>@<version>`, `rule:<name>` or `member:<id>`. `reason` of an X is
    `prohibited.minor` where that is why. Raises NotFound for bytes nobody recorded, Refused for a person who would
    lower the rating.
    """
    asset_id = recorded(scope, sha256).asset_id
    known = effective(scope, sha256)
    if source.startswith(MEMBER) and known is not None and rating.rank < known.rank:
        raise Refused("gate.RATING_LOWERING_INVALID")
    epochs.alone(scope, epochs.asset(scope, asset_id))
    stored = reason.to_json() if reason is not None else None
    with scope.acting_as("gate"):
        scope.add(
            ContentRating(tenant_id=scope.tenant_id, sha256=sha256, rating=str(rating), source=source, reason=stored)
        )


def said_by(scope: Scope, sha256: str, source: str) -> int:
    """The rank of the highest rating of bytes by one source; -1 where it said none."""
    said = scope.session.exec(
        select(ContentRating.rating).where(
            ContentRating.tenant_id == scope.tenant_id, ContentRating.sha256 == sha256, ContentRating.source == source
        )
    )
    return max((Rating(rating).rank for rating in said), default=-1)


def with_own(scope: Scope, digests: Collection[str]) -> frozenset[str]:
    """Those of these bytes that were rated themselves, not only by their family."""
    rows = scope.session.exec(
        select(ContentRating.sha256).where(
            ContentRating.tenant_id == scope.tenant_id, col(ContentRating.sha256).in_(list(digests))
        )
    )
    return frozenset(rows)


def effective(scope: Scope, sha256: str) -> Rating | None:
    """The rating of bytes: the highest of theirs, of their siblings' and of what they came from; None while unrated."""
    return rated(scope, sha256).rating


_FAMILY = """
WITH RECURSIVE line AS (
  SELECT r.sha256 AS wanted, r.state, a.id, a.parent_id, 0 AS depth
  FROM renditions r JOIN assets a ON a.tenant_id = r.tenant_id AND a.id = r.asset_id
  WHERE r.tenant_id = :tenant AND r.sha256 = ANY(:digests)
  UNION SELECT l.wanted, l.state, a.id, a.parent_id, l.depth + 1
  FROM line l JOIN assets a ON a.tenant_id = :tenant AND a.id = l.parent_id
  WHERE l.depth < 20)
SELECT l.wanted, l.state, l.depth, r.sha256, c.rating, c.source, c.reason ->> 'code' AS code, c.created_at AS at
FROM line l JOIN renditions r ON r.tenant_id = :tenant AND r.asset_id = l.id
JOIN content_ratings c ON c.tenant_id = :tenant AND c.sha256 = r.sha256
"""


def rated(scope: Scope, sha256: str) -> Rated:
    """The rating of bytes and, for what is never allowed, why.

    What was made from Nudity or Explicit is at least Suggestive, whatever was blurred; what was made from something
    never allowed is never allowed either.
    """
    return rated_all(scope, [sha256])[sha256]


def rated_all(scope: Scope, digests: Collection[str]) -> dict[str, Rated]:
    """The ratings of several bytes, as `rated`, by digest."""
    lines: dict[str, list[Any]] = {sha256: [] for sha256 in digests}
    if lines:
        for row in scope.run(_FAMILY, tenant=scope.tenant_id, digests=list(digests)):
            lines[row.wanted].append(row)
    return {sha256: together(sha256, rows) for sha256, rows in lines.items()}


def showable(scope: Scope, digests: Collection[str]) -> dict[str, Rating]:
    """The ratings of those of these bytes that may be shown at all: recorded, rated and not frozen."""
    if not digests:
        return {}
    lines: dict[str, list[Any]] = {}
    for row in scope.run(_FAMILY, tenant=scope.tenant_id, digests=list(digests)):
        if row.state != "frozen":
            lines.setdefault(row.wanted, []).append(row)
    found = {sha256: together(sha256, rows).rating for sha256, rows in lines.items()}
    return {sha256: rating for sha256, rating in found.items() if rating is not None}


_STATES = "SELECT sha256, state FROM renditions WHERE tenant_id = :tenant AND sha256 = ANY(:digests)"


def standing(scope: Scope, digests: Collection[str]) -> dict[str, Standing]:
    """How these bytes stand, for showing them to members; bytes nobody recorded are absent."""
    if not digests:
        return {}
    named, lines = {"tenant": scope.tenant_id, "digests": list(digests)}, dict[str, list[Any]]()
    for row in scope.run(_FAMILY, **named):
        lines.setdefault(row.wanted, []).append(row)
    found = {}
    for sha256, state in scope.run(_STATES, **named):
        rating = together(sha256, lines.get(sha256, [])).rating
        found[sha256] = Standing(rating, rating is Rating.X or state != "made")
    return found


def depict(
    scope: Scope, asset_id: UUID, person_id: UUID, *, how: str, confirmed_by: str = "", hidden: bool = False
) -> None:
    """Say that a person is in an asset: `how` is face, voice, name or mark.

    Without `confirmed_by` (`member:<id>` or `generation`) it is a proposal, and nothing of the asset leaves until it is
    confirmed, by somebody or by a shoot card (`gate/carded.py`). `hidden` says that an irreversible blur keeps the
    person from being recognised.
    """
    state = "non_identifiable" if hidden else "confirmed"
    epochs.alone(scope, epochs.asset(scope, asset_id), epochs.person(scope, person_id))
    with scope.acting_as("gate"):
        scope.run(
            "INSERT INTO depictions (tenant_id, id, asset_id, person_id, how, state, confirmed_by)"
            " VALUES (:tenant, :id, :asset, :person, :how, :state, :by)"
            " ON CONFLICT (tenant_id, asset_id, person_id, how) DO UPDATE SET"
            " state = excluded.state, confirmed_by = excluded.confirmed_by, updated_at = house_now()"
            " WHERE depictions.state = 'proposed'",
            tenant=scope.tenant_id,
            id=uuid7(),
            asset=asset_id,
            person=person_id,
            how=how,
            state=state if confirmed_by else "proposed",
            by=confirmed_by,
        )


def freeze(scope: Scope, sha256: str) -> None:
    """Keep bytes from leaving until somebody decided; nothing of it is deleted. Raises NotFound."""
    row = recorded(scope, sha256)
    epochs.alone(scope, epochs.asset(scope, row.asset_id))
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE renditions SET state = 'frozen', updated_at = house_now()"
            " WHERE tenant_id = :tenant AND sha256 = :sha256 AND state = 'made'",
            tenant=scope.tenant_id,
            sha256=sha256,
        )
    journal.note(scope, journal.FREEZE, sha256)


def thaw(scope: Scope, sha256: str) -> None:
    """Somebody decided that frozen bytes may leave again; what was taken back for good stays so. Raises NotFound."""
    row = recorded(scope, sha256)
    epochs.alone(scope, epochs.asset(scope, row.asset_id))
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE renditions SET state = 'made', updated_at = house_now()"
            " WHERE tenant_id = :tenant AND sha256 = :sha256 AND state = 'frozen'",
            tenant=scope.tenant_id,
            sha256=sha256,
        )
    journal.note(scope, journal.THAW, sha256)
