"""Collections: named sets of images arranged by members. They are not for sale, and deleting one
deletes no image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from studio.library import assets as library
from studio.library import models
from studio.library.tags import fold_tag

MAX_COLLECTION_SIZE = 200
"""Maximum number of images in a collection, and maximum number of collections of a creator."""

MAX_COLLECTION_NAME = 60


@dataclass(frozen=True)
class CollectionView:
    """A collection with its images in order. `cover` is the chosen image, by default the first, or
    None if the collection is empty."""

    id: UUID
    name: str
    cover: UUID | None
    assets: tuple[UUID, ...]


_OF = """
SELECT c.id, c.name, c.cover_id, array_remove(array_agg(i.asset_id ORDER BY i.position), NULL) AS
assets
FROM collections c LEFT JOIN collection_items i ON i.tenant_id = c.tenant_id AND i.collection_id
= c.id
WHERE c.tenant_id = :tenant AND c.creator_id = :creator GROUP BY c.tenant_id, c.id ORDER BY c.folded
"""


def list_collections(scope: Scope, creator_id: UUID) -> list[CollectionView]:
    """Return the collections of a creator by name."""
    rows = scope.run(_OF, tenant=scope.tenant_id, creator=creator_id)
    return [_collection_from_row(row) for row in rows]


def _collection_from_row(row: Any) -> CollectionView:
    cover = row.cover_id if row.cover_id in row.assets else next(iter(row.assets), None)
    return CollectionView(row.id, row.name, cover, tuple(row.assets))


def create_collection(
    scope: Scope, creator_id: UUID, name: str, assets: Sequence[UUID] = ()
) -> UUID:
    """Create a collection with these images and return its ID.

    Raises BadInput for an invalid name and for too many images or collections; Conflict for a name
    in use; NotFound for an image that is not in the creator's library.
    """
    library.lock_library(scope, "collections", creator_id)
    row = models.CollectionRow(tenant_id=scope.tenant_id, creator_id=creator_id, name="", folded="")
    _set_collection_name(scope, row, name)
    if len(list_collections(scope, creator_id)) >= MAX_COLLECTION_SIZE:
        raise BadInput("collection.too_many", most=MAX_COLLECTION_SIZE)
    scope.add(row)
    _replace_items(scope, row, assets)
    return row.id


def rename_collection(scope: Scope, creator_id: UUID, collection_id: UUID, name: str) -> None:
    """Rename a collection. Raises as `create_collection`, and NotFound."""
    library.lock_library(scope, "collections", creator_id)
    row = _lock_collection_row(scope, creator_id, collection_id)
    _set_collection_name(scope, row, name)
    scope.add(row)


def add_to_collection(
    scope: Scope, creator_id: UUID, collection_id: UUID, assets: Sequence[UUID]
) -> None:
    """Append images to a collection. Images that are already in it are not moved.

    Raises NotFound, and BadInput for too many images.
    """
    row = _lock_collection_row(scope, creator_id, collection_id)
    there = _list_asset_ids(scope, row)
    _replace_items(
        scope, row, [*there, *(one for one in dict.fromkeys(assets) if one not in there)]
    )


def move_to_front(
    scope: Scope, creator_id: UUID, collection_id: UUID, assets: Sequence[UUID]
) -> None:
    """Move images of a collection to its beginning in the given order. Images that are not in it
    are ignored. Raises NotFound."""
    row = _lock_collection_row(scope, creator_id, collection_id)
    there = _list_asset_ids(scope, row)
    first = [one for one in dict.fromkeys(assets) if one in there]
    _replace_items(scope, row, [*first, *(one for one in there if one not in first)])


def remove_from_collection(
    scope: Scope, creator_id: UUID, collection_id: UUID, assets: Sequence[UUID]
) -> None:
    """Remove images from a collection; they stay in the library. Raises NotFound."""
    row = _lock_collection_row(scope, creator_id, collection_id)
    _replace_items(scope, row, [one for one in _list_asset_ids(scope, row) if one not in assets])


def set_cover(scope: Scope, creator_id: UUID, collection_id: UUID, asset_id: UUID) -> None:
    """Set the cover of a collection to one of its images. Raises NotFound."""
    row = _lock_collection_row(scope, creator_id, collection_id)
    if asset_id not in _list_asset_ids(scope, row):
        raise NotFound("library.asset_unknown", destination="-")
    row.cover_id = asset_id
    scope.add(row)


def delete_collection(scope: Scope, creator_id: UUID, collection_id: UUID) -> None:
    """Delete a collection; its images stay in the library. Raises NotFound."""
    row = _lock_collection_row(scope, creator_id, collection_id)
    _delete_items(scope, row)
    scope.session.delete(row)


def _set_collection_name(scope: Scope, row: models.CollectionRow, name: str) -> None:
    written = " ".join(name.split())
    folded = fold_tag(written)
    if not folded or not written.isprintable() or len(written) > MAX_COLLECTION_NAME:
        raise BadInput("collection.bad_name", most=MAX_COLLECTION_NAME).about("name")
    taken = scope.session.exec(
        select(models.CollectionRow.id).where(
            models.CollectionRow.tenant_id == scope.tenant_id,
            models.CollectionRow.creator_id == row.creator_id,
            models.CollectionRow.folded == folded,
            models.CollectionRow.id != row.id,
        )
    ).first()
    if taken is not None:
        raise Conflict("collection.taken", name=written)
    row.name = written
    row.folded = folded


def _replace_items(scope: Scope, row: models.CollectionRow, assets: Sequence[UUID]) -> None:
    assets = list(dict.fromkeys(assets))
    if len(assets) > MAX_COLLECTION_SIZE:
        raise BadInput("collection.full", most=MAX_COLLECTION_SIZE)
    library.check_assets_owned(scope, row.creator_id, assets)
    _delete_items(scope, row)
    items = (
        models.CollectionItemRow(
            tenant_id=scope.tenant_id,
            creator_id=row.creator_id,
            collection_id=row.id,
            position=at,
            asset_id=asset,
        )
        for at, asset in enumerate(assets)
    )
    scope.add(*items)


def _delete_items(scope: Scope, row: models.CollectionRow) -> None:
    scope.run(
        "DELETE FROM collection_items WHERE tenant_id = :tenant AND collection_id = :id",
        tenant=scope.tenant_id,
        id=row.id,
    )


def _list_asset_ids(scope: Scope, row: models.CollectionRow) -> list[UUID]:
    rows = scope.session.exec(
        select(models.CollectionItemRow.asset_id)
        .where(
            models.CollectionItemRow.tenant_id == scope.tenant_id,
            models.CollectionItemRow.collection_id == row.id,
        )
        .order_by(col(models.CollectionItemRow.position))
    )
    return list(rows)


def _lock_collection_row(
    scope: Scope, creator_id: UUID, collection_id: UUID
) -> models.CollectionRow:
    """Return a collection, locked so that concurrent changes are applied one after another."""
    row = scope.session.get(
        models.CollectionRow, (scope.tenant_id, collection_id), with_for_update=True
    )
    if row is None or row.creator_id != creator_id:
        raise NotFound("collection.unknown")
    return row
