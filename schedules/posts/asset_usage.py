"""Usage of assets: which posts contain which pictures."""

from collections.abc import Collection
from uuid import UUID

from foundation.db.database import Scope

_SHOWN = (
    "posts p, LATERAL (SELECT jsonb_array_elements_text(p.media) AS asset"
    " UNION ALL SELECT jsonb_array_elements_text(part -> 'media') FROM "
    "jsonb_array_elements(p.parts) part"
    " UNION ALL SELECT jsonb_array_elements_text(other -> 'media') FROM "
    "jsonb_array_elements(p.overrides) other"
    " UNION ALL SELECT jsonb_array_elements_text(part -> 'media') FROM "
    "jsonb_array_elements(p.overrides) other,"
    " jsonb_array_elements(other -> 'parts') part) shown WHERE tenant_id = :tenant AND creator_id "
    "= :creator"
)


def assets_used_in_posts(scope: Scope, creator_id: UUID) -> frozenset[UUID]:
    """The assets that stand in a post of a creator, whatever became of it."""
    rows = scope.run(
        f"SELECT DISTINCT CAST(asset AS uuid) FROM {_SHOWN}",  # noqa: S608  our own statement
        tenant=scope.tenant_id,
        creator=creator_id,
    )
    return frozenset(rows.scalars())


def posts_using_asset(
    scope: Scope, creator_id: UUID, asset_id: UUID, *, most: int = 12
) -> list[tuple[UUID, str]]:
    """The posts of a creator in which an asset stands, whatever became of them, the newest first:
    id and how it is called, by its title or its first words."""
    rows = scope.run(
        # our own statement
        f"SELECT DISTINCT p.id, coalesce(nullif(p.title, ''), p.body) FROM {_SHOWN}"  # noqa: S608  see above
        " AND asset = :asset ORDER BY p.id DESC LIMIT :most",
        tenant=scope.tenant_id,
        creator=creator_id,
        asset=str(asset_id),
        most=most,
    )
    return [(post_id, said) for post_id, said in rows]


def assets_of_post(scope: Scope, creator_id: UUID, post_id: UUID) -> frozenset[UUID]:
    """The assets that stand in one post of a creator, its thread and its other words included."""
    rows = scope.run(
        # our own statement
        f"SELECT DISTINCT CAST(asset AS uuid) FROM {_SHOWN} AND p.id = :post",  # noqa: S608  see above
        tenant=scope.tenant_id,
        creator=creator_id,
        post=post_id,
    )
    return frozenset(rows.scalars())


def posts_by_asset_used(
    scope: Scope, creator_id: UUID, assets: Collection[UUID]
) -> dict[UUID, list[UUID]]:
    """The posts of a creator in which each of these assets stands; one that stands in none is
    absent."""
    found: dict[UUID, list[UUID]] = {}
    rows = scope.run(
        # as above
        f"SELECT DISTINCT CAST(asset AS uuid), p.id FROM {_SHOWN} AND asset = ANY(:assets)",  # noqa: S608  see above
        tenant=scope.tenant_id,
        creator=creator_id,
        assets=[str(one) for one in assets],
    )
    for asset, post_id in rows if assets else ():
        found.setdefault(asset, []).append(post_id)
    return found
