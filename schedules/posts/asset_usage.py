"""Usage of assets: find the posts that contain a picture, and the pictures of a post."""

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
    """Return the assets used in all posts of a creator, in any state."""
    rows = scope.run(
        f"SELECT DISTINCT CAST(asset AS uuid) FROM {_SHOWN}",  # noqa: S608  our own statement
        tenant=scope.tenant_id,
        creator=creator_id,
    )
    return frozenset(rows.scalars())


def posts_using_asset(
    scope: Scope, creator_id: UUID, asset_id: UUID, *, most: int = 12
) -> list[tuple[UUID, str]]:
    """Return the IDs and titles of the posts of a creator that contain an asset, newest first.

    A post without a title is listed by its text. Posts in every state are included.
    """
    rows = scope.run(
        "SELECT DISTINCT p.id, coalesce(nullif(p.title, ''), p.body)"  # noqa: S608  a constant
        f" FROM {_SHOWN}"
        " AND asset = :asset ORDER BY p.id DESC LIMIT :most",
        tenant=scope.tenant_id,
        creator=creator_id,
        asset=str(asset_id),
        most=most,
    )
    return [(post_id, said) for post_id, said in rows]


def assets_of_post(scope: Scope, creator_id: UUID, post_id: UUID) -> frozenset[UUID]:
    """Return the assets of one post of a creator, including its thread and its channel
    overrides."""
    rows = scope.run(
        f"SELECT DISTINCT CAST(asset AS uuid) FROM {_SHOWN}"  # noqa: S608  our own statement
        " AND p.id = :post",
        tenant=scope.tenant_id,
        creator=creator_id,
        post=post_id,
    )
    return frozenset(rows.scalars())


def posts_by_asset_used(
    scope: Scope, creator_id: UUID, assets: Collection[UUID]
) -> dict[UUID, list[UUID]]:
    """Map each of these assets to the posts of a creator that contain it; unused assets are
    absent."""
    found: dict[UUID, list[UUID]] = {}
    rows = scope.run(
        f"SELECT DISTINCT CAST(asset AS uuid), p.id FROM {_SHOWN}"  # noqa: S608  our own statement
        " AND asset = ANY(:assets)",
        tenant=scope.tenant_id,
        creator=creator_id,
        assets=[str(one) for one in assets],
    )
    for asset, post_id in rows if assets else ():
        found.setdefault(asset, []).append(post_id)
    return found
