"""Assets that posts can use, paginated for the API in an order that concurrent ingest does not
shift."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from gate.contract.units import Rating
from gate.ratings import ratings
from studio.library import models, playback, queries
from studio.library.states import ShelfState
from tenants import audit

MAX_PAGE_SIZE = 200
"""Maximum rows of one page."""

PICTURE_KIND = "picture"
VIDEO_KIND = "film"
AUDIO_KIND = "sound"


@dataclass(frozen=True)
class PostableAsset:
    """An asset that a post can use.

    `rating` is None until it is rated; `waits` is True if members must still rate or review it;
    `seconds` is 0 for an image; `at` is the time of ingest.
    """

    asset_id: UUID
    creator_id: UUID
    kind: str
    seconds: int
    alt: str
    rating: Rating | None
    waits: bool
    at: datetime


def list_postable_assets(
    scope: Scope, creators: Collection[UUID], *, before: tuple[datetime, UUID] | None, limit: int
) -> list[PostableAsset]:
    """Return the assets of these creators that posts can use, newest first.

    `before` is the time and ID of the last asset of the previous page. Retired and withheld assets
    are skipped, and reading continues until the page is full, so that only the last page can be
    short.
    """
    found: list[PostableAsset] = []
    most = min(limit, MAX_PAGE_SIZE)
    while True:
        rows = _load_postable_rows(scope, creators, before, most)
        found += _assets_from_rows(scope, rows)
        if len(found) >= most or len(rows) < most:
            return found[:most]
        before = rows[-1].created_at or scope.now, rows[-1].asset_id


def get_postable_asset(scope: Scope, creators: Collection[UUID], asset_id: UUID) -> PostableAsset:
    """Return one asset, even a retired one.

    Raises NotFound for withheld assets and those of other creators and tenants.
    """
    row = scope.session.exec(
        select(models.CreationRow).where(
            models.CreationRow.tenant_id == scope.tenant_id, models.CreationRow.asset_id == asset_id
        )
    ).first()
    found = (
        _assets_from_rows(scope, [row]) if row is not None and row.creator_id in creators else []
    )
    if not found:
        raise NotFound("library.asset_unknown", destination="-")
    return found[0]


ASSET_FETCHED = "asset.fetched"
"""Audit action for fetching an asset through the API, which does not count as viewing by a member.
"""

UNCOVERED_RATINGS = frozenset({Rating.G, Rating.S})
"""Ratings returned by default; pages blur the others until a member reveals them."""


def get_picture_digest(
    scope: Scope, creators: Collection[UUID], asset_id: UUID, *, uncovered: bool, key: str
) -> str:
    """Return the digest of a reviewed image for the API.

    Images above `UNCOVERED_RATINGS` require `uncovered`; the fetch is then audited for the acting
    member with the name of the API `key`. Raises NotFound like `get_postable_asset`, and Refused
    for videos and audio, unreviewed images, and images above `UNCOVERED_RATINGS` without
    `uncovered`.
    """
    found = get_postable_asset(scope, creators, asset_id)
    if found.kind != PICTURE_KIND:
        raise Refused("media.picture_only")
    if found.waits or found.rating is None:
        raise Refused("media.waits")
    if found.rating not in UNCOVERED_RATINGS:
        if not uncovered:
            raise Refused("media.covered", rating=str(found.rating))
        audit.record(scope, ASSET_FETCHED, f"asset:{asset_id}", key=key)
    return queries.get_asset_bytes(scope, asset_id).sha256


def _load_postable_rows(
    scope: Scope, creators: Collection[UUID], before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[models.CreationRow]:
    place = tuple_(col(models.CreationRow.created_at), col(models.CreationRow.asset_id))
    query = (
        select(models.CreationRow)
        .where(
            models.CreationRow.tenant_id == scope.tenant_id,
            col(models.CreationRow.creator_id).in_(list(creators)),
            models.CreationRow.shelf != str(ShelfState.RETIRED),
        )
        .order_by(
            col(models.CreationRow.created_at).desc(), col(models.CreationRow.asset_id).desc()
        )
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return scope.session.exec(query if before is None else query.where(place < before)).all()


def _assets_from_rows(scope: Scope, rows: Sequence[models.CreationRow]) -> list[PostableAsset]:
    """Return the assets of these rows that are not withheld."""
    digests = [row.sha256 for row in rows]
    standing = ratings.display_ratings(scope, digests)
    waiting = queries.unreviewed_digests(scope, digests)
    reels = playback.playback_of(scope, [row.asset_id for row in rows])
    found = []
    for row in rows:
        how = standing.get(row.sha256)
        reel = reels.get(row.asset_id)
        if how is None or how.is_withheld:
            continue
        if reel is None:
            kind = PICTURE_KIND
        elif reel.is_audio:
            kind = AUDIO_KIND
        else:
            kind = VIDEO_KIND
        seconds = max(1, reel.seconds) if reel is not None else 0
        at = row.created_at or scope.now
        waits = row.sha256 in waiting
        found.append(
            PostableAsset(
                row.asset_id, row.creator_id, kind, seconds, row.alt, how.rating, waits, at
            )
        )
    return found
