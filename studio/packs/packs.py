"""Packs: sets of images for sale. Prices and offers are in `subscribers`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from gate.assets.free_copies import find_posted_free
from gate.contract.units import Medium, Rating, highest_rating
from gate.ratings import ratings
from studio.library.assets import check_assets_owned, get_rendition, lock_library
from studio.packs.models import PackItemRow, PackRow
from studio.packs.states import PACK_STATES, PackState

MAX_TITLE = 32
"""Maximum number of characters in a title: Telegram's limit for invoice titles, the strictest of
the payment providers."""

MAX_DESCRIPTION = 255


@dataclass(frozen=True)
class PackView:
    """A pack as it is sold. `rating` is the highest of its images, or X if one is unrated."""

    id: UUID
    creator_id: UUID
    slug: str
    title: str
    description: str
    state: PackState
    version: int
    rating: Rating
    media: tuple[Medium, ...]


@dataclass(frozen=True)
class PackListing:
    """A pack in a list.

    `rating` is the highest of its images, or X if one is unrated. `whole` is True if every image is
    in the library, and `withheld` is the number of withheld images. `cover` is the first image that
    is not withheld, with its alt text.
    """

    id: UUID
    creator_id: UUID
    slug: str
    title: str
    description: str
    state: PackState
    version: int
    sold: bool
    rating: Rating
    pictures: int
    whole: bool
    withheld: int
    cover: UUID | None
    alt: str


def create_pack(
    scope: Scope,
    *,
    creator_id: UUID,
    slug: str,
    title: str,
    description: str,
    assets: Sequence[UUID],
) -> UUID:
    """Create an active pack of these images. If the slug exists, its pack is returned unchanged.

    Raises BadInput, and NotFound for an image that is not in the creator's library.
    """
    if not 0 < len(title) <= MAX_TITLE or len(description) > MAX_DESCRIPTION:
        raise BadInput("pack.invalid", title=title[:MAX_TITLE], most=MAX_TITLE).about("title")
    lock_library(scope, "pack", creator_id, slug)
    known = scope.session.exec(
        select(PackRow.id).where(
            PackRow.tenant_id == scope.tenant_id,
            PackRow.creator_id == creator_id,
            PackRow.slug == slug,
        )
    ).first()
    if known is not None:
        return known
    row = PackRow(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        slug=slug,
        title=title,
        description=description,
        state=str(PackState.ACTIVE),
    )
    items = _build_item_rows(scope, row, assets)
    scope.add(row)
    scope.add(*items)
    return row.id


def _build_item_rows(scope: Scope, row: PackRow, assets: Sequence[UUID]) -> list[PackItemRow]:
    if not assets or len(set(assets)) != len(assets):
        raise BadInput("pack.invalid", title=row.title, most=MAX_TITLE).about("title")
    check_assets_owned(scope, row.creator_id, assets)
    return [
        PackItemRow(
            tenant_id=scope.tenant_id,
            creator_id=row.creator_id,
            pack_id=row.id,
            position=position,
            asset_id=asset,
        )
        for position, asset in enumerate(assets)
    ]


def add_to_draft(scope: Scope, *, creator_id: UUID, title: str, asset: UUID) -> UUID:
    """Append an image to the creator's draft pack of this title, which is created if needed; return
    its ID.

    Nothing changes if the image is already in the pack. Raises BadInput for an invalid title.
    """
    if not 0 < len(title) <= MAX_TITLE:
        raise BadInput("pack.invalid", title=title[:MAX_TITLE], most=MAX_TITLE).about("title")
    lock_library(scope, "gather", creator_id)
    pack_id = _get_or_create_draft(scope, creator_id, title)
    scope.run(
        "INSERT INTO pack_items (tenant_id, id, creator_id, pack_id, position, asset_id)"
        " SELECT :tenant, :id, :creator, :pack, coalesce(max(position) + 1, 0), :asset FROM "
        "pack_items"
        " WHERE tenant_id = :tenant AND pack_id = :pack HAVING NOT coalesce(bool_or(asset_id = "
        ":asset), false)",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=creator_id,
        pack=pack_id,
        asset=asset,
    )
    return pack_id


def _get_or_create_draft(scope: Scope, creator_id: UUID, title: str) -> UUID:
    known = scope.session.exec(
        select(PackRow.id).where(
            PackRow.tenant_id == scope.tenant_id,
            PackRow.creator_id == creator_id,
            PackRow.title == title,
            PackRow.state == str(PackState.DRAFT),
        )
    ).first()
    if known is not None:
        return known
    pack_id = uuid7()
    row = PackRow(
        tenant_id=scope.tenant_id,
        id=pack_id,
        creator_id=creator_id,
        slug=f"draft-{pack_id}",
        title=title,
        description="",
    )
    scope.add(row)
    scope.session.flush()
    return pack_id


def remove_from_drafts(scope: Scope, *, creator_id: UUID, asset: UUID) -> None:
    """Remove an image from the creator's draft packs; a draft that becomes empty is retired."""
    lock_library(scope, "gather", creator_id)
    left = scope.run(
        "DELETE FROM pack_items i USING packs p WHERE i.tenant_id = :tenant AND i.asset_id = :asset"
        " AND p.tenant_id = i.tenant_id AND p.id = i.pack_id AND p.creator_id = :creator AND "
        "p.state = 'draft'"
        " AND NOT p.frozen RETURNING i.pack_id",
        tenant=scope.tenant_id,
        creator=creator_id,
        asset=asset,
    ).all()
    scope.run(
        "UPDATE packs p SET state = 'retired' WHERE p.tenant_id = :tenant AND p.id = ANY(:packs) "
        "AND NOT EXISTS"
        " (SELECT 1 FROM pack_items i WHERE i.tenant_id = p.tenant_id AND i.pack_id = p.id)",
        tenant=scope.tenant_id,
        packs=[row.pack_id for row in left],
    )


def get_pack(scope: Scope, pack_id: UUID) -> PackView:
    """Return a pack. Raises NotFound, also for another tenant's pack."""
    return _pack_from_row(scope, _get_pack_row(scope, pack_id))


@dataclass(frozen=True)
class PackPicture:
    """A picture of a pack, by its alt text or the name of its file."""

    asset_id: UUID
    title: str


def list_posted_free(
    scope: Scope, creator_id: UUID, packs: Collection[UUID]
) -> dict[UUID, list[PackPicture]]:
    """Return the pictures of these packs that were already published without a price, by pack and
    in their order. Packs without such a picture are absent."""
    rows = scope.run(
        "SELECT i.pack_id, i.asset_id, coalesce(nullif(c.alt, ''), c.file_name) AS title"
        " FROM pack_items i JOIN creations c"
        "   ON c.tenant_id = i.tenant_id AND c.asset_id = i.asset_id"
        " WHERE i.tenant_id = :tenant AND i.creator_id = :creator AND i.pack_id = ANY(:packs)"
        " ORDER BY i.pack_id, i.position",
        tenant=scope.tenant_id,
        creator=creator_id,
        packs=list(packs),
    ).all()
    free = find_posted_free(scope, creator_id, {row.asset_id for row in rows})
    found: dict[UUID, list[PackPicture]] = {}
    for row in rows:
        if row.asset_id in free:
            found.setdefault(row.pack_id, []).append(PackPicture(row.asset_id, row.title))
    return found


def packs_on_sale(
    scope: Scope, creator_id: UUID, assets: Collection[UUID]
) -> dict[UUID, list[str]]:
    """Return the titles of the active packs that contain these assets, by asset."""
    rows = scope.run(
        "SELECT i.asset_id, p.title FROM pack_items i JOIN packs p"
        "   ON p.tenant_id = i.tenant_id AND p.id = i.pack_id"
        " WHERE i.tenant_id = :tenant AND p.creator_id = :creator AND p.state = :active"
        "   AND i.asset_id = ANY(:assets) ORDER BY p.title",
        tenant=scope.tenant_id,
        creator=creator_id,
        active=str(PackState.ACTIVE),
        assets=list(assets),
    )
    found: dict[UUID, list[str]] = {}
    for row in rows if assets else ():
        found.setdefault(row.asset_id, []).append(row.title)
    return found


def has_pack(scope: Scope, creators: Collection[UUID]) -> bool:
    """Return True if one of these creators has a pack that is or was on sale."""
    found = scope.run(
        "SELECT 1 FROM packs WHERE tenant_id = :tenant AND creator_id = ANY(:creators)"
        " AND state <> 'draft' LIMIT 1",
        tenant=scope.tenant_id,
        creators=list(creators),
    )
    return found.first() is not None


def list_active_packs(scope: Scope, creator_id: UUID) -> list[PackView]:
    """Return the active packs of a creator by title, without incomplete ones."""
    rows = scope.session.exec(
        select(PackRow)
        .where(
            PackRow.tenant_id == scope.tenant_id,
            PackRow.creator_id == creator_id,
            PackRow.state == str(PackState.ACTIVE),
        )
        .order_by(PackRow.title)
    )
    return [pack for row in rows if (pack := _find_pack_view(scope, row)) is not None]


_WARES = """
SELECT p.id, p.creator_id, p.slug, p.title, p.description, p.state, p.version, p.frozen,
  count(i.id) AS pictures, count(c.id) AS known, array_remove(array_agg(c.sha256 ORDER BY
  i.position), NULL) AS digests,
  array_remove(array_agg(c.asset_id ORDER BY i.position), NULL) AS assets,
  array_agg(coalesce(c.alt, '') ORDER BY i.position) FILTER (WHERE c.asset_id IS NOT NULL) AS alts
FROM packs p
LEFT JOIN pack_items i ON i.tenant_id = p.tenant_id AND i.pack_id = p.id
LEFT JOIN creations c ON c.tenant_id = p.tenant_id AND c.asset_id = i.asset_id
WHERE p.tenant_id = :tenant AND p.creator_id = ANY(:creators) AND p.state = ANY(:states)
GROUP BY p.tenant_id, p.id ORDER BY p.title, p.id
"""

LISTED_STATES = tuple(state for state in PackState if state is not PackState.RETIRED)


def list_packs(
    scope: Scope, creators: Collection[UUID], *, states: Collection[PackState] = LISTED_STATES
) -> list[PackListing]:
    """Return the packs of these creators in these states, by title. The number of queries does not
    depend on the number of packs."""
    named = {"creators": list(creators), "states": [str(state) for state in states]}
    rows = scope.run(_WARES, tenant=scope.tenant_id, **named).all()
    standing = ratings.display_ratings(scope, {digest for row in rows for digest in row.digests})
    return [_listing_from_row(row, standing) for row in rows]


def pack_titles(scope: Scope, creators: Collection[UUID]) -> dict[UUID, str]:
    """Return the titles of all packs of these creators, retired ones too, by title."""
    rows = scope.session.exec(
        select(PackRow.id, PackRow.title)
        .where(PackRow.tenant_id == scope.tenant_id, col(PackRow.creator_id).in_(list(creators)))
        .order_by(PackRow.title, col(PackRow.id))
    )
    return dict(rows.all())


def _listing_from_row(row: Any, standing: Mapping[str, ratings.DisplayRating]) -> PackListing:
    seen = [standing[digest].rating if digest in standing else None for digest in row.digests]
    whole = 0 < row.pictures == row.known
    gone = [digest in standing and standing[digest].is_withheld for digest in row.digests]
    shown = (
        (asset, alt)
        for asset, alt, away in zip(row.assets, row.alts or (), gone, strict=True)
        if not away
    )
    cover, alt = next(shown, (None, ""))
    return PackListing(
        id=row.id,
        creator_id=row.creator_id,
        slug=row.slug,
        title=row.title,
        description=row.description,
        state=PackState(row.state),
        version=row.version,
        sold=row.frozen,
        rating=highest_rating([rating or Rating.X for rating in seen]) if whole else Rating.X,
        pictures=row.pictures,
        whole=whole,
        withheld=sum(gone),
        cover=cover,
        alt=alt,
    )


def _find_pack_view(scope: Scope, row: PackRow) -> PackView | None:
    try:
        return _pack_from_row(scope, row)
    except NotFound:
        return None


def freeze_pack(scope: Scope, pack_id: UUID) -> None:
    """Make a pack immutable at its first sale, so that buyers receive what was offered."""
    row = _get_pack_row(scope, pack_id, lock=True)
    row.frozen = True
    scope.add(row)


def replace_pack_items(scope: Scope, pack_id: UUID, assets: Sequence[UUID]) -> None:
    """Replace the images of an unsold pack. The same images in the same order are no new version,
    which would end open offers.

    Raises Conflict for a sold pack; BadInput and NotFound as `create_pack`.
    """
    row = _get_pack_row(scope, pack_id, lock=True)
    if row.frozen:
        raise Conflict("pack.sold", title=row.title)
    items = _build_item_rows(scope, row, assets)
    before = select(PackItemRow.asset_id).where(
        PackItemRow.tenant_id == scope.tenant_id, PackItemRow.pack_id == pack_id
    )
    if list(scope.session.exec(before.order_by(col(PackItemRow.position)))) == list(assets):
        return
    scope.run(
        "DELETE FROM pack_items WHERE tenant_id = :tenant AND pack_id = :pack",
        tenant=scope.tenant_id,
        pack=pack_id,
    )
    row.version += 1
    scope.add(row, *items)


def set_pack_state(scope: Scope, pack_id: UUID, after: PackState) -> None:
    """Pause, resume or retire a pack. Raises Conflict."""
    row = _get_pack_row(scope, pack_id, lock=True)
    PACK_STATES.check(PackState(row.state), after)
    row.state = str(after)
    scope.add(row)


def _get_pack_row(scope: Scope, pack_id: UUID, *, lock: bool = False) -> PackRow:
    row = scope.session.get(PackRow, (scope.tenant_id, pack_id), with_for_update=lock or None)
    if row is None:
        raise NotFound("pack.unknown")
    return row


def _pack_from_row(scope: Scope, row: PackRow) -> PackView:
    items = scope.session.exec(
        select(PackItemRow)
        .where(PackItemRow.tenant_id == scope.tenant_id, PackItemRow.pack_id == row.id)
        .order_by(PackItemRow.position)  # type: ignore[arg-type]  # a column, not an int
    )
    media = tuple(get_rendition(scope, item.asset_id, "pack") for item in items)
    rated = [ratings.effective_rating(scope, medium.sha256) or Rating.X for medium in media]
    return PackView(
        row.id,
        row.creator_id,
        row.slug,
        row.title,
        row.description,
        PackState(row.state),
        row.version,
        highest_rating(rated),
        media,
    )
