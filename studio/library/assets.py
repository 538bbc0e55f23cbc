"""The library: what a creator has, and the rendition a destination gets."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound, Unavailable
from foundation.i18n.name_forms import list_normal_forms
from foundation.storage.object_store import ObjectStore
from gate.assets import asset_records, erasure
from gate.assets.asset_records import StoredRendition
from gate.contract.units import Medium, Rating
from gate.ratings import ratings
from generators.media.pictures import POST_PROFILE
from studio.ingest.states import UploadState
from studio.library import models
from studio.library.states import SHELF_STATES, ShelfState


def run_source_key(job_id: UUID, number: int) -> str:
    """The same by the run's id."""
    return f"job:{job_id}:{number}"


DEFAULT_PROFILE = POST_PROFILE.name
"""The one destination profile of today; other destinations will bring their own."""

SECONDS_PARAMETER = "seconds"
FRAMES_PARAMETER = "frames"
"""Among the parameters of a film or a sound: how long it is, and how many of its frames were looked
at."""


@dataclass(frozen=True)
class LibraryAsset:
    """One asset with its lineage; `rating` is None while nobody judged it."""

    asset_id: UUID
    sha256: str
    engine: str
    model: str
    label: str
    seed: int | None
    prompt: str
    alt: str
    rating: Rating | None
    taken_at: datetime | None


def lock_library(scope: Scope, *what: object) -> None:
    """One at a time until the transaction ends: two at once would both find nothing, and both
    write."""
    scope.lock(":".join(str(part) for part in (scope.tenant_id, *what)))


def check_assets_owned(scope: Scope, creator_id: UUID, assets: Sequence[UUID]) -> None:
    """Raise NotFound unless every asset is in the library of this creator; another creator's looks
    like none."""
    if not assets:
        return
    theirs = scope.session.exec(
        select(models.CreationRow.asset_id).where(
            models.CreationRow.tenant_id == scope.tenant_id,
            models.CreationRow.creator_id == creator_id,
            col(models.CreationRow.asset_id).in_(assets),
        )
    )
    if not set(theirs).issuperset(assets):
        raise NotFound("library.asset_unknown", destination="-")


def get_rendition(scope: Scope, asset_id: UUID, platform: str) -> Medium:
    """The rendition of an asset for a destination. Raises NotFound when there is none."""
    return get_renditions(scope, [asset_id], platform)[asset_id]


def get_renditions(scope: Scope, assets: Collection[UUID], platform: str) -> dict[UUID, Medium]:
    """The renditions of several assets for a destination, read at once. Raises NotFound unless
    every one has one."""
    if not assets:
        return {}
    rows = scope.session.exec(
        select(
            models.CreationRow.asset_id, models.CreationRow.alt, models.CreationRow.parameters
        ).where(
            models.CreationRow.tenant_id == scope.tenant_id,
            col(models.CreationRow.asset_id).in_(assets),
        )
    )
    known = {row[0]: row for row in rows}
    made = asset_records.newest_renditions(scope, assets, DEFAULT_PROFILE)
    if not (known.keys() & made.keys()).issuperset(assets):
        raise NotFound("library.asset_unknown", destination=platform)
    return {
        asset_id: _medium_from_rendition(made[asset_id], *known[asset_id][1:])
        for asset_id in assets
    }


def _medium_from_rendition(
    made: StoredRendition, alt: str, parameters: Mapping[str, Any]
) -> Medium:
    return Medium(
        made.sha256,
        made.mime,
        made.size,
        alt=alt,
        ai=made.ai,
        width=made.width,
        height=made.height,
        seconds=int(parameters[SECONDS_PARAMETER]) if FRAMES_PARAMETER in parameters else 0,
    )


def list_assets(scope: Scope, creator_id: UUID, *, limit: int = 200) -> list[LibraryAsset]:
    """The newest assets of a creator."""
    rows = scope.session.exec(
        select(models.CreationRow)
        .where(
            models.CreationRow.tenant_id == scope.tenant_id,
            models.CreationRow.creator_id == creator_id,
        )
        # a column, not a datetime
        .order_by(models.CreationRow.created_at.desc())  # type: ignore[union-attr]  # see above
        .limit(limit)
    )
    return [_asset_from_row(scope, row) for row in rows]


@dataclass(frozen=True)
class AssetTile:
    """An asset to choose from: `alt` stands in its place; `label` says what it must not be mistaken
    for."""

    asset_id: UUID
    alt: str
    label: str = ""


def list_asset_tiles(
    scope: Scope, creator_id: UUID, *, limit: int = 24, beside: Collection[UUID] = ()
) -> list[AssetTile]:
    """The newest assets of a creator that members may see; what is withheld (frozen, never allowed)
    is left out.

    Once a model of their own made pictures, so is what has a label; where one of those `beside` has
    one, what has none.
    """
    found: list[AssetTile] = []
    label = models.CreationRow.label
    wanted = True
    if needs_label_separation(scope, creator_id):
        wanted = label != "" if _has_labelled_asset(scope, beside) else label == ""
    for first in count(0, limit):
        rows = scope.session.exec(
            select(
                models.CreationRow.asset_id,
                models.CreationRow.alt,
                models.CreationRow.label,
                models.CreationRow.sha256,
            )
            .where(
                models.CreationRow.tenant_id == scope.tenant_id,
                models.CreationRow.creator_id == creator_id,
                models.CreationRow.shelf != str(ShelfState.RETIRED),
                wanted,
            )
            .order_by(col(models.CreationRow.created_at).desc(), col(models.CreationRow.asset_id))
            .offset(first)
            .limit(limit)
        ).all()
        standing = ratings.display_ratings(scope, [sha256 for *_, sha256 in rows])
        found += [
            AssetTile(asset, alt, label)
            for asset, alt, label, sha256 in rows
            if not standing[sha256].is_withheld
        ]
        if len(found) >= limit or len(rows) < limit:
            break
    return found[:limit]


def _has_labelled_asset(scope: Scope, assets: Collection[UUID]) -> bool:
    asked = (
        "SELECT EXISTS (SELECT FROM creations WHERE tenant_id = :tenant AND asset_id = "
        "ANY(:assets) AND label <> '')"
    )
    return bool(assets) and bool(
        scope.run(asked, tenant=scope.tenant_id, assets=list(assets)).scalar_one()
    )


_APART = """
SELECT EXISTS (SELECT FROM creations WHERE tenant_id = :tenant AND creator_id = :creator AND
label <> '')
  AND EXISTS (SELECT FROM creations
    WHERE tenant_id = :tenant AND creator_id = :creator AND label = '' AND seed IS NOT NULL)
"""


def needs_label_separation(scope: Scope, creator_id: UUID) -> bool:
    """Whether pictures that have a label stand apart from the others: a model made some of this
    creator that need none. Files that were brought in, which have no seed, do not count for
    that."""
    return bool(scope.run(_APART, tenant=scope.tenant_id, creator=creator_id).scalar_one())


def get_asset(scope: Scope, asset_id: UUID) -> LibraryAsset:
    """One asset. Raises NotFound; another tenant's looks the same."""
    row = _find_creation_row(scope, asset_id)
    if row is None:
        raise NotFound("library.asset_unknown", destination="-")
    return _asset_from_row(scope, row)


def find_asset_by_digest(scope: Scope, creator_id: UUID, sha256: str) -> UUID | None:
    """The asset of a creator these very bytes are of: a picture of the library handed in again, or
    made again, under whatever name, is itself."""
    return scope.session.exec(
        select(models.CreationRow.asset_id).where(
            models.CreationRow.tenant_id == scope.tenant_id,
            models.CreationRow.creator_id == creator_id,
            models.CreationRow.sha256 == sha256,
        )
    ).first()


def assets_by_source(scope: Scope, creator_id: UUID, source_keys: Sequence[str]) -> dict[str, UUID]:
    """The assets that came from these sources, by source key; a source nothing was made of yet is
    absent."""
    rows = scope.session.exec(
        select(models.CreationRow.source_key, models.CreationRow.asset_id).where(
            models.CreationRow.tenant_id == scope.tenant_id,
            models.CreationRow.creator_id == creator_id,
            col(models.CreationRow.source_key).in_(list(source_keys)),
        )
    )
    return dict(rows.all())


def find_assets_by_name(
    scope: Scope, creator_id: UUID, assets: Collection[UUID], words: Collection[str]
) -> dict[str, UUID]:
    """The assets of a creator that somebody calls by their id or by the words that stand in their
    place, by that name.

    Words that several have name none of them; what was put away is not found by its words.
    """
    rows = scope.run(
        "SELECT asset_id, alt, shelf FROM creations WHERE tenant_id = :tenant AND creator_id = "
        ":creator"
        " AND (asset_id = ANY(:assets) OR alt = ANY(:words))",
        tenant=scope.tenant_id,
        creator=creator_id,
        assets=list(assets),
        words=[form for text in words for form in list_normal_forms(text)],
    ).all()
    by_words: dict[str, set[UUID]] = {}
    for row in rows:
        if row.shelf != ShelfState.RETIRED:
            by_words.setdefault(unicodedata.normalize("NFKC", row.alt), set()).add(row.asset_id)
    called = {text: by_words.get(unicodedata.normalize("NFKC", text), set()) for text in words}
    found = {text: next(iter(ids)) for text, ids in called.items() if len(ids) == 1}
    return {**found, **{str(row.asset_id): row.asset_id for row in rows}}


_WAITING = """
SELECT EXISTS (SELECT FROM uploads WHERE tenant_id = :tenant AND sha256 = :sha256 AND state =
:waiting)
  OR EXISTS (SELECT FROM home_pictures WHERE tenant_id = :tenant AND sha256 = :sha256 AND state =
  :waiting)
"""


def is_object_in_use(scope: Scope, sha256: str) -> bool:
    """Whether these very bytes must stay: they are of something here, or on their way into a
    library. Who deletes them otherwise holds `alone(scope, "object", sha256)`."""
    if erasure.is_stored(scope, sha256):
        return True
    waiting = scope.run(
        _WAITING, tenant=scope.tenant_id, sha256=sha256, waiting=str(UploadState.WAITING)
    )
    return bool(waiting.scalar())


def delete_objects(
    tenant: OpenScope, store: ObjectStore, tenant_id: UUID, digests: Sequence[str], *, actor: str
) -> None:
    """Delete those of these bytes that nothing here is of, in this order. A store that is away
    keeps them."""
    with suppress(Unavailable), tenant(tenant_id, actor) as scope:
        for sha256 in sorted(set(digests)):
            lock_library(scope, "object", sha256)
        for sha256 in digests:
            if not is_object_in_use(scope, sha256):
                store.delete(tenant_id, sha256)


def set_alt_text(scope: Scope, asset_id: UUID, alt: str, *, shows: str | None = None) -> None:
    """Give an asset the words that stand in its place for who cannot see it; `shows` are those it
    is found by. None leaves them as they are."""
    row = _find_creation_row(scope, asset_id)
    if row is None:
        raise NotFound("library.asset_unknown", destination="-")
    row.alt = alt
    row.shows = row.shows if shows is None else shows
    scope.add(row)


def alt_texts(scope: Scope, assets: Collection[UUID]) -> dict[UUID, str]:
    """The words that stand in the place of each of these assets; what is not there is absent."""
    if not assets:
        return {}
    rows = scope.session.exec(
        select(models.CreationRow.asset_id, models.CreationRow.alt).where(
            models.CreationRow.tenant_id == scope.tenant_id,
            col(models.CreationRow.asset_id).in_(list(assets)),
        )
    )
    return {asset: alt for asset, alt in rows}


def set_shelf_state(scope: Scope, asset_id: UUID, after: ShelfState) -> None:
    """Keep a picture, or put it away: then it is offered nowhere, and what uses it keeps it. Raises
    NotFound.

    What stands so already stays so.
    """
    row = _find_creation_row(scope, asset_id)
    if row is None:
        raise NotFound("library.asset_unknown", destination="-")
    if row.shelf != after:
        SHELF_STATES.check(ShelfState(row.shelf), after)
        row.shelf = str(after)
        scope.add(row)


def _find_creation_row(scope: Scope, asset_id: UUID) -> models.CreationRow | None:
    return scope.session.exec(
        select(models.CreationRow).where(
            models.CreationRow.tenant_id == scope.tenant_id, models.CreationRow.asset_id == asset_id
        )
    ).first()


def _asset_from_row(scope: Scope, row: models.CreationRow) -> LibraryAsset:
    return LibraryAsset(
        row.asset_id,
        row.sha256,
        row.engine,
        row.model,
        row.label,
        row.seed,
        row.prompt,
        row.alt,
        ratings.effective_rating(scope, row.sha256),
        row.taken_at,
    )
