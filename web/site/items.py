"""Items of a site: created once per content ID, edited in place, and never published again after
removal."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select, tuple_

from foundation.db.database import Scope
from foundation.ids import uuid7
from gate.contract.units import Rating, highest_rating
from gate.ratings import ratings
from web.site.models import Item, ItemMedium
from web.site.sites import ADULT_AREA, DIGEST_PATTERN, PUBLIC_AREA, SiteRef

PUBLIC_RATING_CEILING = Rating.S
"""The highest rating for visitors without proof of age (`own_page.public` forbids N and E)."""

CONTENT_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{8,64}")

FILE_SUFFIXES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
    "application/zip": "zip",
}


@dataclass(frozen=True)
class MediaFile:
    """A file of an item. `ai` is none, assisted or generated; `size` is in bytes."""

    sha256: str
    mime: str
    alt: str
    ai: str
    size: int

    @property
    def url_path(self) -> str:
        """The file's path. It contains the digest, so its content can never change."""
        return f"/files/{self.sha256}.{FILE_SUFFIXES[self.mime]}"


@dataclass(frozen=True)
class ItemContent:
    """The text and files of an item. `ai` is True if a model made any of it."""

    title: str
    text: str
    media: tuple[MediaFile, ...]
    ai: bool


@dataclass(frozen=True)
class ItemEntry:
    """A published item. Instants are UTC-aware; `rating` is the highest rating of its files."""

    content_id: str
    title: str
    text: str
    media: tuple[MediaFile, ...]
    ai: bool
    rating: Rating
    version: int
    published_at: datetime
    edited_at: datetime


@dataclass(frozen=True)
class ItemPage:
    """A page of items, newest first. `older` is the content ID to pass as `before` for the next
    page, or None on the last page. `whole` is False if an item was hidden from the visitor."""

    entries: tuple[ItemEntry, ...]
    older: str | None
    whole: bool


@dataclass(frozen=True)
class PutResult:
    """The result of `put_item`. `gone` is True if the item was removed before, `new` if it was
    created."""

    gone: bool
    new: bool


def lock_files(scope: Scope, digests: Sequence[str]) -> None:
    """Lock these files until the transaction ends. Other transactions can neither show nor delete
    them."""
    for digest in sorted(set(digests)):
        scope.lock(f"page-file:{scope.tenant_id}:{digest}")


def put_item(scope: Scope, found: SiteRef, content_id: str, content: ItemContent) -> PutResult:
    """Create or edit an item. Equal content changes nothing. The caller must have locked its files
    (`lock_files`)."""
    _lock_item(scope, found, content_id)
    row = _find_item_row(scope, found, content_id)
    stored = [asdict(medium) for medium in content.media]
    if row is not None and row.removed_at is not None:
        return PutResult(gone=True, new=False)
    if row is None:
        _create_item(scope, found, content_id, content)
        _touch_site(scope, found)
        return PutResult(gone=False, new=True)
    if (row.title, row.text, row.media, row.ai) != (
        content.title,
        content.text,
        stored,
        content.ai,
    ):
        dropped = {medium["sha256"] for medium in row.media} - {
            medium.sha256 for medium in content.media
        }
        row.purge = sorted({*row.purge, *dropped})
        row.title = content.title
        row.text = content.text
        row.media = stored
        row.ai = content.ai
        row.version = row.version + 1
        row.edited_at = scope.now
        _remove_item_files(scope, row)
        _add_item_files(scope, row, content.media)
        scope.add(row)
        _touch_site(scope, found)
    return PutResult(gone=False, new=False)


def remove_item(scope: Scope, found: SiteRef, content_id: str) -> None:
    """Replace an item with a tombstone. This also creates a tombstone for an unknown ID, so that a
    publication that is still in progress cannot appear after the removal."""
    _lock_item(scope, found, content_id)
    row = _find_item_row(scope, found, content_id)
    if row is None:
        row = _create_item(scope, found, content_id, ItemContent("", "", (), ai=False))
    if row.removed_at is not None:
        return
    row.removed_at = scope.now
    row.purge = sorted({*row.purge, *(str(medium["sha256"]) for medium in row.media)})
    row.title = ""
    row.text = ""
    row.media = []
    _remove_item_files(scope, row)
    scope.add(row)
    _touch_site(scope, found)


def list_unused_files(scope: Scope, found: SiteRef, content_id: str) -> list[str]:
    """Return digests of files that the item no longer shows and no other item needs. They remain
    locked until the transaction ends."""
    row = _find_item_row(scope, found, content_id)
    digests = list(row.purge) if row is not None else []
    lock_files(scope, digests)
    return [digest for digest in digests if shown_media_type(scope, digest) is None]


def forget_purged_files(scope: Scope, found: SiteRef, content_id: str) -> None:
    """Clear the item's list of files to delete. If a deletion fails before this call, the list
    remains for the next attempt."""
    row = _find_item_row(scope, found, content_id)
    if row is not None and row.purge:
        row.purge = []
        scope.add(row)


def shown_media_type(scope: Scope, sha256: str, area: str | None = None) -> str | None:
    """Return the media type of a file that a published item of this tenant shows, or None if none
    does. `area` limits the search to one area."""
    if not DIGEST_PATTERN.fullmatch(sha256):  # untrusted input must not reach the database
        return None
    query = select(ItemMedium.mime).where(
        ItemMedium.tenant_id == scope.tenant_id, ItemMedium.sha256 == sha256
    )
    if area is not None:
        query = query.join(Item, col(Item.id) == ItemMedium.item_id).where(
            Item.tenant_id == scope.tenant_id, Item.area == area
        )
    return scope.session.exec(query).first()


def items_showing_file(scope: Scope, found: SiteRef, sha256: str) -> list[str]:
    """Return the content IDs of published items in this site and area that show a file."""
    query = select(Item.content_id).join(ItemMedium, col(ItemMedium.item_id) == Item.id)
    return list(
        scope.session.exec(
            query.where(
                Item.tenant_id == scope.tenant_id,
                ItemMedium.tenant_id == scope.tenant_id,
                Item.site_id == found.site_id,
                Item.area == found.area,
                ItemMedium.sha256 == sha256,
            )
        )
    )


def item_files(scope: Scope, found: SiteRef, content_id: str) -> tuple[str, ...]:
    """Return the digests of a published item's files, in either area and whatever their rating.
    Removal requests need all of them."""
    rows = (
        _find_item_row(scope, replace(found, area=area), content_id)
        for area in (PUBLIC_AREA, ADULT_AREA)
    )
    return tuple(str(medium["sha256"]) for row in rows if row is not None for medium in row.media)


def file_owners(scope: Scope, sha256: str) -> list[UUID]:
    """Return the creators of this tenant whose sites show a file."""
    query = select(ItemMedium.creator_id).where(
        ItemMedium.tenant_id == scope.tenant_id, ItemMedium.sha256 == sha256
    )
    return list(scope.session.exec(query.distinct()))


def has_items(scope: Scope, found: SiteRef) -> bool:
    """Return True if the area has a published item."""
    query = select(Item.id).where(
        Item.tenant_id == scope.tenant_id,
        Item.site_id == found.site_id,
        Item.area == found.area,
        col(Item.removed_at).is_(None),
    )
    return scope.session.exec(query.limit(1)).first() is not None


def admitted_ratings(scope: Scope, found: SiteRef, digests: Sequence[str]) -> Mapping[str, Rating]:
    """Return the ratings of the files that may be published in this area now. In the adult area,
    the gate decides separately who may see them."""
    if found.area == PUBLIC_AREA:
        return public_ratings(scope, digests)
    allowed = ratings.showable_ratings(scope, digests)
    return {digest: rating for digest, rating in allowed.items() if rating is not Rating.X}


def public_ratings(scope: Scope, digests: Sequence[str]) -> Mapping[str, Rating]:
    """Return the ratings of the files that visitors without proof of age may see now."""
    found = ratings.showable_ratings(scope, digests)
    return {
        digest: rating
        for digest, rating in found.items()
        if rating.rank <= PUBLIC_RATING_CEILING.rank
    }


def list_newest(
    scope: Scope, found: SiteRef, *, limit: int, before: str | None = None
) -> ItemPage | None:
    """Return published items, newest first. `before` is a content ID and selects older items.
    Return None if `before` is unknown."""
    query = select(Item).where(
        Item.tenant_id == scope.tenant_id,
        Item.site_id == found.site_id,
        Item.area == found.area,
        col(Item.removed_at).is_(None),
    )
    if before is not None:
        last = _find_item_row(scope, found, before)
        if last is None:
            return None
        query = query.where(
            tuple_(col(Item.published_at), col(Item.id)) < (last.published_at, last.id)
        )
    order = (col(Item.published_at).desc(), col(Item.id).desc())
    # One more row shows whether there is a next page.
    rows = scope.session.exec(query.order_by(*order).limit(limit + 1)).all()
    seen = _build_entries(scope, found, rows[:limit])
    entries = tuple(entry for entry in seen if entry is not None)
    return ItemPage(
        entries,
        rows[limit - 1].content_id if len(rows) > limit else None,
        len(entries) == len(seen),
    )


def find_item(scope: Scope, found: SiteRef, content_id: str) -> tuple[bool, ItemEntry | None]:
    """Return `(known, entry)`: (False, None) for an unknown ID, (True, None) for a removed or
    hidden item."""
    row = _find_item_row(scope, found, content_id)
    if row is None:
        return False, None
    return True, _build_entries(scope, found, [row])[0] if row.removed_at is None else None


def record_view(scope: Scope, found: SiteRef, content_id: str) -> None:
    """Count one view of an item for today (UTC)."""
    scope.run(
        "INSERT INTO item_views (tenant_id, id, creator_id, item_id, day, views)"
        " SELECT tenant_id, :id, creator_id, id, :day, 1 FROM items"
        " WHERE tenant_id = :tenant AND site_id = :site AND area = :area AND content_id = :content"
        " ON CONFLICT (tenant_id, item_id, day) DO UPDATE SET views = item_views.views + 1",
        id=uuid7(),
        day=scope.now.date(),
        tenant=scope.tenant_id,
        site=found.site_id,
        area=found.area,
        content=content_id,
    )


def count_views(scope: Scope, found: SiteRef, content_id: str) -> int | None:
    """Return the number of views of an item, or None for an unknown ID."""
    row = _find_item_row(scope, found, content_id)
    if row is None:
        return None
    total: int = scope.run(
        "SELECT coalesce(sum(views), 0) FROM item_views WHERE tenant_id = :tenant AND item_id = "
        ":item",
        tenant=scope.tenant_id,
        item=row.id,
    ).scalar_one()
    return int(total)


def _lock_item(scope: Scope, found: SiteRef, content_id: str) -> None:
    scope.lock(f"item:{found.site_id}:{content_id}")


def _find_item_row(scope: Scope, found: SiteRef, content_id: str) -> Item | None:
    if not CONTENT_ID_PATTERN.fullmatch(content_id):
        return None
    return scope.session.exec(
        select(Item).where(
            Item.tenant_id == scope.tenant_id,
            Item.site_id == found.site_id,
            Item.area == found.area,
            Item.content_id == content_id,
        )
    ).first()


def _create_item(scope: Scope, found: SiteRef, content_id: str, content: ItemContent) -> Item:
    row = Item(
        tenant_id=scope.tenant_id,
        creator_id=found.creator_id,
        site_id=found.site_id,
        area=found.area,
        content_id=content_id,
        title=content.title,
        text=content.text,
        media=[asdict(medium) for medium in content.media],
        ai=content.ai,
        published_at=scope.now,
        edited_at=scope.now,
    )
    scope.add(row)
    _add_item_files(scope, row, content.media)
    return row


def _touch_site(scope: Scope, found: SiteRef) -> None:
    """Set the site's `updated_at`, from which Last-Modified is derived."""
    scope.run(
        "UPDATE sites SET updated_at = house_now() WHERE tenant_id = :tenant AND id = :site",
        tenant=scope.tenant_id,
        site=found.site_id,
    )


def _build_entries(scope: Scope, found: SiteRef, rows: Sequence[Item]) -> list[ItemEntry | None]:
    """Return the items, with None for each that has a file which may no longer be shown. An item is
    shown with all its files or not at all."""
    media = {row.id: tuple(MediaFile(**medium) for medium in row.media) for row in rows}
    allowed = admitted_ratings(
        scope, found, sorted({medium.sha256 for files in media.values() for medium in files})
    )
    return [_build_entry(row, media[row.id], allowed) for row in rows]


def _build_entry(
    row: Item, media: tuple[MediaFile, ...], allowed: Mapping[str, Rating]
) -> ItemEntry | None:
    if any(medium.sha256 not in allowed for medium in media):
        return None
    rating = highest_rating([allowed[medium.sha256] for medium in media])
    return ItemEntry(
        row.content_id,
        row.title,
        row.text,
        media,
        row.ai,
        rating,
        row.version,
        row.published_at,
        row.edited_at,
    )


def _add_item_files(scope: Scope, row: Item, media: Sequence[MediaFile]) -> None:
    for medium in {medium.sha256: medium for medium in media}.values():
        scope.add(
            ItemMedium(
                tenant_id=scope.tenant_id,
                creator_id=row.creator_id,
                item_id=row.id,
                sha256=medium.sha256,
                mime=medium.mime,
            )
        )


def _remove_item_files(scope: Scope, row: Item) -> None:
    scope.run(
        "DELETE FROM item_media WHERE tenant_id = :tenant AND item_id = :item",
        tenant=scope.tenant_id,
        item=row.id,
    )
