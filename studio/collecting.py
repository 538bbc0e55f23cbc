"""Collections: named sets of pictures that members arrange. Nothing is sold by one, and no picture ends with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from studio import library, models
from studio.tagging import fold

MOST = 200
"""Pictures of one collection, and collections of one creator."""

LONGEST = 60


@dataclass(frozen=True)
class Collection:
    """A collection with its pictures in order; `cover` is the one that was chosen, else the first, None where empty."""

    id: UUID
    name: str
    cover: UUID | None
    assets: tuple[UUID, ...]


_OF = """
SELECT c.id, c.name, c.cover_id, array_remove(array_agg(i.asset_id ORDER BY i.position), NULL) AS assets
FROM collections c LEFT JOIN collection_items i ON i.tenant_id = c.tenant_id AND i.collection_id = c.id
WHERE c.tenant_id = :tenant AND c.creator_id = :creator GROUP BY c.tenant_id, c.id ORDER BY c.folded
"""


def of(scope: Scope, creator_id: UUID) -> list[Collection]:
    """The collections of a creator, by name."""
    rows = scope.run(_OF, tenant=scope.tenant_id, creator=creator_id)
    return [_value(row) for row in rows]


def _value(row: Any) -> Collection:
    cover = row.cover_id if row.cover_id in row.assets else next(iter(row.assets), None)
    return Collection(row.id, row.name, cover, tuple(row.assets))


def make(scope: Scope, creator_id: UUID, name: str, assets: Sequence[UUID] = ()) -> UUID:
    """Begin a collection with these pictures.

    Raises BadInput for a name that is none and for too many; Conflict where one is called so; NotFound for a picture
    that is not in this creator's library.
    """
    library.alone(scope, "collections", creator_id)
    row = models.Collection(tenant_id=scope.tenant_id, creator_id=creator_id, name="", folded="")
    _name(scope, row, name)
    if len(of(scope, creator_id)) >= MOST:
        raise BadInput("collection.too_many", most=MOST)
    scope.add(row)
    _keep(scope, row, assets)
    return row.id


def rename(scope: Scope, creator_id: UUID, collection_id: UUID, name: str) -> None:
    """Call it otherwise. Raises as `make`, and NotFound; another creator's looks like none."""
    library.alone(scope, "collections", creator_id)
    row = _row(scope, creator_id, collection_id)
    _name(scope, row, name)
    scope.add(row)


def add(scope: Scope, creator_id: UUID, collection_id: UUID, assets: Sequence[UUID]) -> None:
    """Put pictures at its end; one that is there stays where it is. Raises NotFound, BadInput for too many."""
    row = _row(scope, creator_id, collection_id)
    there = _assets(scope, row)
    _keep(scope, row, [*there, *(one for one in dict.fromkeys(assets) if one not in there)])


def put_first(scope: Scope, creator_id: UUID, collection_id: UUID, assets: Sequence[UUID]) -> None:
    """Put pictures of it before its others, in this order; one that is not in it is left out. Raises NotFound."""
    row = _row(scope, creator_id, collection_id)
    there = _assets(scope, row)
    first = [one for one in dict.fromkeys(assets) if one in there]
    _keep(scope, row, [*first, *(one for one in there if one not in first)])


def take_out(scope: Scope, creator_id: UUID, collection_id: UUID, assets: Sequence[UUID]) -> None:
    """Take pictures out of it; they stay in the library. Raises NotFound."""
    row = _row(scope, creator_id, collection_id)
    _keep(scope, row, [one for one in _assets(scope, row) if one not in assets])


def cover(scope: Scope, creator_id: UUID, collection_id: UUID, asset_id: UUID) -> None:
    """Let one of its pictures stand for it. Raises NotFound where it is not in it."""
    row = _row(scope, creator_id, collection_id)
    if asset_id not in _assets(scope, row):
        raise NotFound("library.asset_unknown", destination="-")
    row.cover_id = asset_id
    scope.add(row)


def delete(scope: Scope, creator_id: UUID, collection_id: UUID) -> None:
    """End a collection; its pictures stay in the library. Raises NotFound."""
    row = _row(scope, creator_id, collection_id)
    _empty(scope, row)
    scope.session.delete(row)


def _name(scope: Scope, row: models.Collection, name: str) -> None:
    written = " ".join(name.split())
    folded = fold(written)
    if not folded or not written.isprintable() or len(written) > LONGEST:
        raise BadInput("collection.bad_name", most=LONGEST)
    taken = scope.session.exec(
        select(models.Collection.id).where(
            models.Collection.tenant_id == scope.tenant_id,
            models.Collection.creator_id == row.creator_id,
            models.Collection.folded == folded,
            models.Collection.id != row.id,
        )
    ).first()
    if taken is not None:
        raise Conflict("collection.taken", name=written)
    row.name, row.folded = written, folded


def _keep(scope: Scope, row: models.Collection, assets: Sequence[UUID]) -> None:
    """Write down what it holds, in order."""
    assets = list(dict.fromkeys(assets))
    if len(assets) > MOST:
        raise BadInput("collection.full", most=MOST)
    library.check_owner(scope, row.creator_id, assets)
    _empty(scope, row)
    items = (
        models.CollectionItem(
            tenant_id=scope.tenant_id, creator_id=row.creator_id, collection_id=row.id, position=at, asset_id=asset
        )
        for at, asset in enumerate(assets)
    )
    scope.add(*items)


def _empty(scope: Scope, row: models.Collection) -> None:
    scope.run(
        "DELETE FROM collection_items WHERE tenant_id = :tenant AND collection_id = :id",
        tenant=scope.tenant_id,
        id=row.id,
    )


def _assets(scope: Scope, row: models.Collection) -> list[UUID]:
    rows = scope.session.exec(
        select(models.CollectionItem.asset_id)
        .where(
            models.CollectionItem.tenant_id == scope.tenant_id,
            models.CollectionItem.collection_id == row.id,
        )
        .order_by(col(models.CollectionItem.position))
    )
    return list(rows)


def _row(scope: Scope, creator_id: UUID, collection_id: UUID) -> models.Collection:
    """The collection, held until the transaction ends: of two who arrange it, the second sees what the first did."""
    row = scope.session.get(models.Collection, (scope.tenant_id, collection_id), with_for_update=True)
    if row is None or row.creator_id != creator_id:
        raise NotFound("collection.unknown")
    return row
