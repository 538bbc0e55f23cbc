"""The library as the studio shows it: a page of what is asked for, and one picture with its story."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from foundation.database import Scope
from foundation.errors import NotFound
from gate import cardfacts, labels
from gate import cards as shoot_cards
from gate.cards import Card as ShootCard
from gate.labels import Lifted
from schedules import calendar, reviewing
from studio import collecting, judging, searching
from studio import library as studio_library
from studio import lineage as making
from studio import reads as studio_reads
from studio.collecting import Collection
from studio.lineage import Story
from studio.reads import Card
from studio.searching import ALL, DEMO, OWN, Found, Offered, Place, Query
from tenants import reads as tenant_reads
from tenants.reads import Creator

FACETS = ("rating", "use", "origin", "shelf", "made")
SHOWN = 24
"""Pictures of one page."""


@dataclass(frozen=True)
class Facets:
    """What of the library is shown: words, and one value of each facet, or all. Days are the creator's."""

    rating: str = ALL
    use: str = ALL
    origin: str = ALL
    shelf: str = "here"
    made: str = ALL
    words: str = ""
    tags: tuple[str, ...] = ()
    recipe: str = ""
    made_with: tuple[str, str] = ("", "")
    since: date | None = None
    until: date | None = None
    collection: UUID | None = None
    """Shown in its order, whatever else is asked but `made`."""


@dataclass(frozen=True)
class Tile:
    """A picture of the library: its card, whether a post shows it, and a pack holds it or was sold with it."""

    card: Card
    used: bool
    packed: bool
    sold: bool


@dataclass(frozen=True)
class Library:
    """One page of a library; `after` is where the next begins, None at the end."""

    tiles: Sequence[Tile]
    after: Place | None
    offered: Offered
    collections: Sequence[Collection]
    opened: Collection | None
    """The collection that is shown; None for the library."""
    made: str = ALL
    """Own or demonstration, never both, once a model of their own made pictures; else all."""


@dataclass(frozen=True)
class Lineage:
    """One picture with its whole story; `by` is who brought it in or asked for it, by name; `card` its shoot card;
    `posts` those it stands in, by id and words. `lifted` says that it may leave with its label, why, and `lifted_by`
    whom, by name."""

    tile: Tile
    story: Story
    posts: Sequence[tuple[UUID, str]]
    by: str
    card: ShootCard | None
    now: datetime
    lifted: Lifted | None = None
    lifted_by: str = ""


def library(scope: Scope, creator: Creator, facets: Facets, after: Place | None) -> Library:
    """The page of the library that begins after this place; None is the first."""
    used, known = reviewing.shown_in_posts(scope, creator.id), collecting.of(scope, creator.id)
    opened = next((one for one in known if one.id == facets.collection), None)
    offered = searching.offered(scope, creator.id)
    made = side(scope, creator.id, facets.made)
    if opened is not None:
        cards = [card for card in studio_reads.cards_of(scope, opened.assets) if not card.standing.withheld]
        here = [card for card in cards if made == ALL or bool(card.label) == (made == DEMO)]
        found = Found(here, None)
    else:
        query = _query(creator, replace(facets, made=made))
        found = searching.page(scope, creator.id, query, used=used, after=after, limit=SHOWN)
    return Library(_tiles(scope, creator.id, found.cards, used), found.after, offered, known, opened, made)


def side(scope: Scope, creator_id: UUID, asked: str) -> str:
    """Which pictures a screen shows, own or those of demonstrations, never both, where they stand apart; else all."""
    if not studio_library.apart(scope, creator_id):
        return ALL
    return OWN if asked == ALL else asked


def _query(creator: Creator, facets: Facets) -> Query:
    return Query(
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
        since=calendar.bounds(facets.since, creator.zone)[0] if facets.since else None,
        until=calendar.bounds(facets.until, creator.zone)[1] if facets.until else None,
    )


def _tiles(scope: Scope, creator_id: UUID, cards: Sequence[Card], used: frozenset[UUID]) -> list[Tile]:
    packed = studio_reads.packed(scope, creator_id)
    return [
        Tile(card, card.asset_id in used, card.asset_id in packed, packed.get(card.asset_id, False)) for card in cards
    ]


def lineage(scope: Scope, creator_id: UUID, asset_id: UUID) -> Lineage:
    """One picture of this creator. Raises NotFound for any other, and for what is withheld."""
    cards = studio_reads.cards_of(scope, [asset_id])
    if not cards or cards[0].creator_id != creator_id or cards[0].standing.withheld:
        raise NotFound("library.asset_unknown", destination="-")
    (tile,) = _tiles(scope, creator_id, cards, reviewing.shown_in_posts(scope, creator_id))
    actor = judging.makers(scope, [asset_id]).get(asset_id, "")
    names = {f"member:{one.id}": one.name for one in tenant_reads.members(scope)}
    story, posts = making.story(scope, asset_id), reviewing.posts_showing(scope, creator_id, asset_id)
    card, lifted = _card(scope, creator_id, asset_id), labels.lifted(scope, [asset_id]).get(asset_id)
    who = names.get(lifted.by, "") if lifted is not None else ""
    return Lineage(tile, story, posts, names.get(actor, ""), card, scope.now, lifted, who)


def _card(scope: Scope, creator_id: UUID, asset_id: UUID) -> ShootCard | None:
    on = cardfacts.of_assets(scope, [asset_id]).get(asset_id)
    cards = shoot_cards.of_creators(scope, [creator_id]) if on is not None else []
    return next((card for card in cards if on is not None and card.id == on.card.id), None)
