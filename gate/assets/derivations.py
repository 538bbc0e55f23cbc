"""Derivations of assets: the sources and derivatives of each asset."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import col, select

import gate.assets.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.database import Scope
from foundation.db.tables import TenantRow, table_arguments, tenant_foreign_key


class AssetPart(TenantRow, table=True):
    """One of several sources of an asset.

    `whole` is True for a part that the asset contains uncut, such as a still in a clip or its
    sound. The first such part is also the `parent_id`. `whole` is False for a reference that a
    model used and that is not visible. The view `asset_parents` contains these rows and every
    `parent_id`.
    """

    __tablename__ = "asset_parts"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "asset_id", "part_id", name="asset_parts_once"),
        *(tenant_foreign_key("asset_id", "assets"), tenant_foreign_key("part_id", "assets")),
        Index("asset_parts_of", "tenant_id", "part_id"),
        about="creator",
        keep="while published, then 5 years",
    )
    asset_id: UUID
    part_id: UUID
    whole: bool = True


_MADE_OF = """
WITH RECURSIVE below AS (
  SELECT p.asset_id AS id, 1 AS depth FROM asset_parents p WHERE p.tenant_id = :tenant AND
  p.parent_id = :asset
  UNION SELECT p.asset_id, b.depth + 1 FROM below b
  JOIN asset_parents p ON p.tenant_id = :tenant AND p.parent_id = b.id WHERE b.depth < 20)
SELECT DISTINCT id FROM below ORDER BY id
"""


def derived_assets(scope: Scope, asset_id: UUID) -> list[UUID]:
    """Return the direct and indirect derivatives of an asset: cuts, compositions and generated
    assets."""
    return list(scope.run(_MADE_OF, tenant=scope.tenant_id, asset=asset_id).scalars())


def parts_of_asset(scope: Scope, asset_id: UUID) -> list[UUID]:
    """Return the uncut parts of an asset in the order of recording; empty unless it is a clip."""
    return _list_part_ids(scope, asset_id, whole=True)


def reference_assets(scope: Scope, asset_id: UUID) -> list[UUID]:
    """Return the references that a model used for an asset, in the order of recording."""
    return _list_part_ids(scope, asset_id, whole=False)


def _list_part_ids(scope: Scope, asset_id: UUID, *, whole: bool) -> list[UUID]:
    found = scope.session.exec(
        select(AssetPart.part_id)
        .where(
            AssetPart.tenant_id == scope.tenant_id,
            AssetPart.asset_id == asset_id,
            col(AssetPart.whole) == whole,
        )
        .order_by(col(AssetPart.id))
    )
    return list(found)


def ancestors_and_descendants(
    scope: Scope, asset_id: UUID, *, most: int
) -> tuple[list[UUID], list[UUID]]:
    """Return the direct sources of an asset and its direct derivatives.

    The sources are the parent and the parts in order; at most `most` derivatives are returned,
    newest first. References are not included.
    """
    own = {"tenant": scope.tenant_id, "asset": asset_id}
    parent = scope.run(
        "SELECT parent_id FROM assets WHERE tenant_id = :tenant AND id = :asset", **own
    ).scalar()
    above = dict.fromkeys(
        [*([parent] if parent is not None else []), *parts_of_asset(scope, asset_id)]
    )
    children = scope.run(
        "SELECT id FROM assets WHERE tenant_id = :tenant AND parent_id = :asset"
        " UNION SELECT asset_id FROM asset_parts WHERE tenant_id = :tenant AND part_id = :asset "
        "AND whole"
        " ORDER BY id DESC LIMIT :most",
        **own,
        most=most,
    )
    return list(above), list(children.scalars())


_LINES = """
WITH RECURSIVE line (root, id) AS (
  SELECT id, id FROM assets WHERE tenant_id = :tenant AND id = ANY(:assets)
  UNION
  SELECT line.root, up.id FROM line, LATERAL (
    SELECT parent_id AS id FROM assets WHERE tenant_id = :tenant AND id = line.id AND parent_id
    IS NOT NULL
    UNION ALL SELECT part_id FROM asset_parts WHERE tenant_id = :tenant AND asset_id = line.id
    AND whole) up)
SELECT root, id FROM line
"""


_DESCENT = """
WITH RECURSIVE line (root, id) AS (
  SELECT id, id FROM assets WHERE tenant_id = :tenant AND id = ANY(:assets)
  UNION
  SELECT line.root, down.id FROM line, LATERAL (
    SELECT id FROM assets WHERE tenant_id = :tenant AND parent_id = line.id
    UNION ALL SELECT asset_id FROM asset_parts WHERE tenant_id = :tenant AND part_id = line.id
    AND whole) down)
SELECT root, id FROM line
"""


def ancestors_by_asset(scope: Scope, assets: Collection[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Return each of these assets with all its direct and indirect sources."""
    return _assets_by_root(scope, _LINES, assets)


def descendants_by_asset(scope: Scope, assets: Collection[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Return each of these assets with all its direct and indirect derivatives."""
    return _assets_by_root(scope, _DESCENT, assets)


def _assets_by_root(
    scope: Scope, statement: str, assets: Collection[UUID]
) -> dict[UUID, frozenset[UUID]]:
    found: dict[UUID, set[UUID]] = {}
    for root, asset in (
        scope.run(statement, tenant=scope.tenant_id, assets=list(assets)) if assets else ()
    ):
        found.setdefault(root, set()).add(asset)
    return {root: frozenset(line) for root, line in found.items()}
