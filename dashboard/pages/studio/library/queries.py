"""Queries of the library: filtered pages, lineage of an image, and channels that refuse a video."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from channels.accounts import account_connectors, queries
from connectors.shared import unit_checks
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ops import wall_time
from gate.assets import label_lifts
from gate.assets.label_lifts import LabelLiftSummary
from gate.consent import shoot_cards
from gate.consent.queries import card_positions_of_assets
from gate.consent.shoot_cards import ShootCardView
from schedules.posts.asset_usage import assets_used_in_posts, posts_using_asset
from studio.library import assets, collections, member_reviews, search
from studio.library.collections import CollectionView
from studio.library.queries import AssetCard, get_asset_cards, packed_assets
from studio.library.search import (
    ANY_VALUE,
    DEMO_PICTURES,
    OWN_PICTURES,
    LibraryPage,
    LibraryQuery,
    PageCursor,
    SearchFacets,
)
from studio.runs import lineage
from studio.runs.lineage import AssetLineage
from tenants.agencies.queries import Creator, list_members


def list_refusing_accounts(
    scope: Scope, creator: Creator, seconds: int
) -> list[tuple[str, Message]]:
    """Return the names of channels that refuse a video of this length, with the reason.

    Channels of platforms without a known limit are omitted.
    """
    found = []
    for one in (each for each in queries.list_creator_channels(scope, creator.id) if each.surface):
        connector = account_connectors.find_connector_for(platform_connectors(), one)
        why = (
            unit_checks.video_length_problem(seconds, connector.capabilities)
            if connector is not None
            else None
        )
        if why is not None:
            found.append((one.name, why))
    return found


FILTER_NAMES = ("rating", "use", "origin", "shelf", "made")
SHOWN = 24
"""Number of images per page."""


@dataclass(frozen=True)
class LibraryFilters:
    """Filters of the library: text, and one value of each facet or all. Days are local to the
    creator."""

    rating: str = ANY_VALUE
    use: str = ANY_VALUE
    origin: str = ANY_VALUE
    shelf: str = "here"
    made: str = ANY_VALUE
    words: str = ""
    tags: tuple[str, ...] = ()
    recipe: str = ""
    made_with: tuple[str, str] = ("", "")
    since: date | None = None
    until: date | None = None
    collection: UUID | None = None
    """The collection to show in its order. It overrides all filters except `made`."""


@dataclass(frozen=True)
class LibraryTile:
    """An image with its usage: in a post, in a pack, or sold."""

    card: AssetCard
    used: bool
    packed: bool
    sold: bool


@dataclass(frozen=True)
class LibraryView:
    """One page of the library; `after` is the cursor of the next page, or None at the end."""

    tiles: Sequence[LibraryTile]
    after: PageCursor | None
    offered: SearchFacets
    collections: Sequence[CollectionView]
    opened: CollectionView | None
    """The collection that is shown, or None for the whole library."""
    made: str = ANY_VALUE
    """Own or demo images. They are never mixed once a creator has generated images without a demo
    label."""


@dataclass(frozen=True)
class PictureLineage:
    """One image with its lineage.

    `by` is the name of the member who uploaded or requested it, `card` its shoot card, `posts` the
    ID and text of posts that use it. `lifted` is set if the image may be published despite its demo
    label; `lifted_by` is the name of the member who allowed it.
    """

    tile: LibraryTile
    story: AssetLineage
    posts: Sequence[tuple[UUID, str]]
    by: str
    card: ShootCardView | None
    now: datetime
    lifted: LabelLiftSummary | None = None
    lifted_by: str = ""


def load_library(
    scope: Scope, creator: Creator, facets: LibraryFilters, after: PageCursor | None
) -> LibraryView:
    """Return the page of the library after a cursor, the first one for None."""
    used = assets_used_in_posts(scope, creator.id)
    known = collections.list_collections(scope, creator.id)
    opened = next((one for one in known if one.id == facets.collection), None)
    offered = search.search_facets(scope, creator.id)
    made = media_source(scope, creator.id, facets.made)
    if opened is not None:
        cards = [
            card for card in get_asset_cards(scope, opened.assets) if not card.standing.is_withheld
        ]
        here = [
            card
            for card in cards
            if made == ANY_VALUE or bool(card.label) == (made == DEMO_PICTURES)
        ]
        found = LibraryPage(here, None)
    else:
        query = _build_library_query(creator, replace(facets, made=made))
        found = search.search_library(scope, creator.id, query, used=used, after=after, limit=SHOWN)
    return LibraryView(
        _build_library_tiles(scope, creator.id, found.cards, used),
        found.after,
        offered,
        known,
        opened,
        made,
    )


def media_source(scope: Scope, creator_id: UUID, asked: str) -> str:
    """Return the kind of images to show, own or demo, if they must be separated; otherwise all."""
    if not assets.needs_label_separation(scope, creator_id):
        return ANY_VALUE
    return OWN_PICTURES if asked == ANY_VALUE else asked


def _build_library_query(creator: Creator, facets: LibraryFilters) -> LibraryQuery:
    return LibraryQuery(
        words=facets.words,
        tags=facets.tags,
        recipe=facets.recipe,
        engine=facets.made_with[0],
        model=facets.made_with[1],
        rating=facets.rating,
        use=facets.use,
        origin=facets.origin,
        shelf=facets.shelf,
        made=facets.made,
        since=wall_time.day_bounds(facets.since, creator.zone)[0] if facets.since else None,
        until=wall_time.day_bounds(facets.until, creator.zone)[1] if facets.until else None,
    )


def _build_library_tiles(
    scope: Scope, creator_id: UUID, cards: Sequence[AssetCard], used: frozenset[UUID]
) -> list[LibraryTile]:
    packed = packed_assets(scope, creator_id)
    return [
        LibraryTile(
            card, card.asset_id in used, card.asset_id in packed, packed.get(card.asset_id, False)
        )
        for card in cards
    ]


def load_lineage(scope: Scope, creator_id: UUID, asset_id: UUID) -> PictureLineage:
    """Return one image of this creator with its lineage.

    Raises NotFound for images of other creators and for withheld ones.
    """
    cards = get_asset_cards(scope, [asset_id])
    if not cards or cards[0].creator_id != creator_id or cards[0].standing.is_withheld:
        raise NotFound("library.asset_unknown", destination="-")
    (tile,) = _build_library_tiles(
        scope, creator_id, cards, assets_used_in_posts(scope, creator_id)
    )
    actor = member_reviews.makers_of(scope, [asset_id]).get(asset_id, "")
    names = {f"member:{one.id}": one.name for one in list_members(scope)}
    story = lineage.get_lineage(scope, asset_id)
    posts = posts_using_asset(scope, creator_id, asset_id)
    card = _find_shoot_card(scope, creator_id, asset_id)
    lifted = label_lifts.lifted_labels(scope, [asset_id]).get(asset_id)
    who = names.get(lifted.by, "") if lifted is not None else ""
    return PictureLineage(tile, story, posts, names.get(actor, ""), card, scope.now, lifted, who)


def _find_shoot_card(scope: Scope, creator_id: UUID, asset_id: UUID) -> ShootCardView | None:
    on = card_positions_of_assets(scope, [asset_id]).get(asset_id)
    cards = shoot_cards.list_cards(scope, [creator_id]) if on is not None else []
    return next((card for card in cards if on is not None and card.id == on.card.id), None)
