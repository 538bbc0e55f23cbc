"""The library as programs read it: page by page, in an order that nothing brought in meanwhile shifts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from foundation.database import Scope
from foundation.errors import NotFound, Refused
from gate import ratings
from gate.units import Rating
from studio import models, playing, reads
from studio.states import ShelfState
from tenants import audit

MOST = 200
"""Rows of one page."""

PICTURE, FILM, SOUND = "picture", "film", "sound"


@dataclass(frozen=True)
class Listed:
    """An asset that a post may carry. `alt` stands in its place; `rating` is None while nobody gave one; `waits` says
    that people still have to rate it or look at it; `seconds` is 0 of a picture; `at` is when it came in."""

    asset_id: UUID
    creator_id: UUID
    kind: str
    seconds: int
    alt: str
    rating: Rating | None
    waits: bool
    at: datetime


def media(
    scope: Scope, creators: Collection[UUID], *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Listed]:
    """What these creators have that a post may carry, the newest first; with `before`, what came before that place.

    What was put away, and what is withheld (frozen, never allowed), is left out; so a page is short at the end alone.
    """
    found: list[Listed] = []
    most = min(limit, MOST)
    while True:
        rows = _rows(scope, creators, before, most)
        found += _listed(scope, rows)
        if len(found) >= most or len(rows) < most:
            return found[:most]
        before = rows[-1].created_at or scope.now, rows[-1].asset_id


def one(scope: Scope, creators: Collection[UUID], asset_id: UUID) -> Listed:
    """One asset, also one that was put away. Raises NotFound for what is withheld, and for another creator's or
    tenant's, which look the same."""
    row = scope.session.exec(
        select(models.Creation).where(
            models.Creation.tenant_id == scope.tenant_id, models.Creation.asset_id == asset_id
        )
    ).first()
    found = _listed(scope, [row]) if row is not None and row.creator_id in creators else []
    if not found:
        raise NotFound("library.asset_unknown", destination="-")
    return found[0]


FETCHED = "asset.fetched"
"""No press of a person: what a program fetched, nobody has looked at."""

OPENLY = frozenset({Rating.G, Rating.S})
"""Ratings that are given out without being asked for by name; the page covers the others until somebody presses."""


def picture(scope: Scope, creators: Collection[UUID], asset_id: UUID, *, uncovered: bool, key: str) -> str:
    """The digest of a picture's bytes for a program, once people have judged it; of nudity and more only as somebody
    asks for it `uncovered`, which is written down under the acting member with the name of the `key`.

    Raises NotFound as `one`, and Refused for a film or a sound, for what waits for people, and for what is covered.
    """
    found = one(scope, creators, asset_id)
    if found.kind != PICTURE:
        raise Refused("media.picture_only")
    if found.waits or found.rating is None:
        raise Refused("media.waits")
    if found.rating not in OPENLY:
        if not uncovered:
            raise Refused("media.covered", rating=str(found.rating))
        audit.note(scope, FETCHED, f"asset:{asset_id}", key=key)
    return reads.shown(scope, asset_id).sha256


def _rows(
    scope: Scope, creators: Collection[UUID], before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[models.Creation]:
    place = tuple_(col(models.Creation.created_at), col(models.Creation.asset_id))
    query = (
        select(models.Creation)
        .where(
            models.Creation.tenant_id == scope.tenant_id,
            col(models.Creation.creator_id).in_(list(creators)),
            models.Creation.shelf != str(ShelfState.RETIRED),
        )
        .order_by(col(models.Creation.created_at).desc(), col(models.Creation.asset_id).desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return scope.session.exec(query if before is None else query.where(place < before)).all()


def _listed(scope: Scope, rows: Sequence[models.Creation]) -> list[Listed]:
    """Those of these rows that are not withheld."""
    digests = [row.sha256 for row in rows]
    standing, waiting = ratings.standing(scope, digests), reads.unjudged(scope, digests)
    reels = playing.reels(scope, [row.asset_id for row in rows])
    found = []
    for row in rows:
        how, reel = standing.get(row.sha256), reels.get(row.asset_id)
        if how is None or how.withheld:
            continue
        kind = PICTURE if reel is None else SOUND if reel.sound else FILM
        seconds = max(1, reel.seconds) if reel is not None else 0
        at, waits = row.created_at or scope.now, row.sha256 in waiting
        found.append(Listed(row.asset_id, row.creator_id, kind, seconds, row.alt, how.rating, waits, at))
    return found
