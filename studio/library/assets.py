"""Assets of the library, and their renditions for platforms."""

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
    """Return the source key of an image of a run."""
    return f"job:{job_id}:{number}"


DEFAULT_PROFILE = POST_PROFILE.name
"""The only rendition profile so far."""

SECONDS_PARAMETER = "seconds"
FRAMES_PARAMETER = "frames"
"""Parameters of videos and audio: the duration in seconds, and the number of reviewed frames."""


@dataclass(frozen=True)
class LibraryAsset:
    """An asset with its lineage; `rating` is None until it is rated."""

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
    """Acquire a named lock until the transaction ends, so that two concurrent requests do not both
    create a row."""
    scope.lock(":".join(str(part) for part in (scope.tenant_id, *what)))


def check_assets_owned(scope: Scope, creator_id: UUID, assets: Sequence[UUID]) -> None:
    """Raise NotFound unless every asset is in the library of this creator."""
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
    """Return the rendition of an asset for a platform. Raises NotFound when there is none."""
    return get_renditions(scope, [asset_id], platform)[asset_id]


def get_renditions(scope: Scope, assets: Collection[UUID], platform: str) -> dict[UUID, Medium]:
    """Return the renditions of several assets for a platform. Raises NotFound if one has none."""
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
    """Return the newest assets of a creator."""
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
    """An asset offered for selection, with its alt text and the label of placeholder or demo
    images."""

    asset_id: UUID
    alt: str
    label: str = ""
    file_name: str = ""

    @property
    def title(self) -> str:
        """The name of the asset for members: its alt text, else the name of its file."""
        return self.alt or self.file_name


def list_asset_tiles(
    scope: Scope, creator_id: UUID, *, limit: int = 24, beside: Collection[UUID] = ()
) -> list[AssetTile]:
    """Return the newest assets of a creator that members may see, without withheld and retired
    ones.

    Labelled images are not offered once a real model has generated images of the creator; if one of
    the assets in `beside` is labelled, only labelled images are offered.
    """
    found: list[AssetTile] = []
    label = models.CreationRow.label
    wanted = True
    if needs_label_separation(scope, creator_id):
        wanted = label != "" if _has_labelled_asset(scope, beside) else label == ""
    for first in count(0, limit):
        rows = scope.session.exec(
            select(models.CreationRow)
            .where(
                models.CreationRow.tenant_id == scope.tenant_id,
                models.CreationRow.creator_id == creator_id,
                models.CreationRow.shelf != str(ShelfState.RETIRED),
                wanted,
            )
            .order_by(col(models.CreationRow.created_at).desc(), col(models.CreationRow.asset_id))
            .offset(first)
            .limit(limit)
            .execution_options(populate_existing=True)
        ).all()
        standing = ratings.display_ratings(scope, [row.sha256 for row in rows])
        found += [
            AssetTile(row.asset_id, row.alt, row.label, row.file_name)
            for row in rows
            if not standing[row.sha256].is_withheld
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
    """Return True if a creator has both labelled images and generated ones without a label.

    Uploaded files, which have no seed, do not count as generated.
    """
    return bool(scope.run(_APART, tenant=scope.tenant_id, creator=creator_id).scalar_one())


def get_asset(scope: Scope, asset_id: UUID) -> LibraryAsset:
    """Return an asset. Raises NotFound, also for another tenant's asset."""
    row = _find_creation_row(scope, asset_id)
    if row is None:
        raise NotFound("library.asset_unknown", destination="-")
    return _asset_from_row(scope, row)


def asset_titles(scope: Scope, assets: Collection[UUID]) -> dict[UUID, str]:
    """Return the name of each asset for members: its alt text, else the name of its file."""
    rows = scope.session.exec(
        select(
            models.CreationRow.asset_id, models.CreationRow.alt, models.CreationRow.file_name
        ).where(
            models.CreationRow.tenant_id == scope.tenant_id,
            col(models.CreationRow.asset_id).in_(list(assets)),
        )
    )
    return {asset_id: alt or file_name for asset_id, alt, file_name in rows}


def find_asset_by_digest(scope: Scope, creator_id: UUID, sha256: str) -> UUID | None:
    """Return the asset of a creator with these bytes, regardless of its source, or None."""
    return scope.session.exec(
        select(models.CreationRow.asset_id).where(
            models.CreationRow.tenant_id == scope.tenant_id,
            models.CreationRow.creator_id == creator_id,
            models.CreationRow.sha256 == sha256,
        )
    ).first()


def assets_by_source(scope: Scope, creator_id: UUID, source_keys: Sequence[str]) -> dict[str, UUID]:
    """Return assets by source key, without sources that have no asset yet."""
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
    """Return a creator's assets by the names used for them: their IDs or alt texts.

    An alt text shared by several assets matches none; retired assets are not found by alt text.
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
    """Return True if stored bytes belong to an asset or to a file being ingested.

    A caller that deletes unused bytes must hold `lock_library(scope, "object", sha256)`.
    """
    if erasure.is_stored(scope, sha256):
        return True
    waiting = scope.run(
        _WAITING, tenant=scope.tenant_id, sha256=sha256, waiting=str(UploadState.WAITING)
    )
    return bool(waiting.scalar())


def delete_objects(
    tenant: OpenScope, store: ObjectStore, tenant_id: UUID, digests: Sequence[str], *, actor: str
) -> None:
    """Delete the objects that are not in use, in the given order.

    If the store is unavailable, nothing more is deleted and no error is raised.
    """
    with suppress(Unavailable), tenant(tenant_id, actor) as scope:
        for sha256 in sorted(set(digests)):
            lock_library(scope, "object", sha256)
        for sha256 in digests:
            if not is_object_in_use(scope, sha256):
                store.delete(tenant_id, sha256)


def set_alt_text(scope: Scope, asset_id: UUID, alt: str, *, shows: str | None = None) -> None:
    """Set the alt text of an asset and, unless None, its searchable description `shows`."""
    row = _find_creation_row(scope, asset_id)
    if row is None:
        raise NotFound("library.asset_unknown", destination="-")
    row.alt = alt
    row.shows = row.shows if shows is None else shows
    scope.add(row)


def alt_texts(scope: Scope, assets: Collection[UUID]) -> dict[UUID, str]:
    """Return the alt texts of these assets, without unknown ones."""
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
    """Keep or retire an image; a retired one is no longer offered, but existing uses remain.

    Idempotent. Raises NotFound.
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
