"""What the studio shows: recipes and their runs, the library by what is asked of it, and what was just handed in."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from foundation.database import Scope
from foundation.errors import NotFound
from foundation.settings import GeneratorsSettings
from gate import cardfacts
from gate import cards as shoot_cards
from gate.cards import Card as ShootCard
from schedules import reviewing
from studio import judging, uploads
from studio import reads as studio_reads
from studio.reads import Card, RecipeCard, Run
from studio.recipes import Spec
from studio.states import JobState, ShelfState, UploadState
from studio.uploads import Upload
from tenants import reads as tenant_reads
from tenants.reads import Creator

GOING = frozenset({JobState.QUEUED, JobState.RUNNING})
FRESH = timedelta(minutes=10)
"""So long a file that was handed in stays on the list."""

ALL = "all"
FACETS = ("rating", "use", "origin", "shelf")
GUESSED = 2.0
"""Seconds a picture takes where none was made yet: the drawing engine on a small machine."""

SAMPLES = {
    "fr": Spec(
        name="Matin dehors",
        prompt="{lieu}, {heure}, {temps}, lumière douce",
        words={
            "lieu": ["une terrasse de café", "une plage", "un chemin de forêt", "les toits de Paris"],
            "heure": ["le matin", "en fin de journée"],
            "temps": ["ciel clair", "brume légère", "sous la pluie"],
        },
        variants=4,
    ),
    "en": Spec(
        name="Morning outdoors",
        prompt="{place}, {hour}, {weather}, soft light",
        words={
            "place": ["a café terrace", "a quiet beach", "a forest path", "the roofs of Paris"],
            "hour": ["early morning", "late afternoon"],
            "weather": ["clear sky", "light mist", "in the rain"],
        },
        variants=4,
    ),
}
"""The recipe a beginner is offered, by language; its words are those every engine here knows."""


@dataclass(frozen=True)
class Facets:
    """What of the library is shown: one value of each, or all."""

    rating: str = ALL
    use: str = ALL
    origin: str = ALL
    shelf: str = "here"


@dataclass(frozen=True)
class Tile:
    """A picture of the library: its card, whether a post shows it, and a pack holds it or was sold with it."""

    card: Card
    used: bool
    packed: bool
    sold: bool

    @property
    def values(self) -> Mapping[str, frozenset[str]]:
        """What it answers to, by facet."""
        rating = self.card.standing.rating
        use = {"used" if self.used else "unused"} | ({"packed"} if self.packed else set())
        shelf = "away" if self.card.shelf is ShelfState.RETIRED else "here"
        return {
            "rating": frozenset({str(rating) if rating is not None else "none"}),
            "use": frozenset(use | ({"sold"} if self.sold else set())),
            "origin": frozenset({self.card.origin}),
            "shelf": frozenset({shelf} | ({"kept"} if self.card.shelf is ShelfState.KEPT else set())),
        }


@dataclass(frozen=True)
class Studio:
    """The page of one creator. `pace` is seconds a picture takes here; `counts` of each value by facet."""

    creator: Creator
    recipes: Sequence[RecipeCard]
    runs: Sequence[Run]
    pace: float
    uploads: Sequence[Upload]
    tiles: Sequence[Tile]
    counts: Mapping[str, Counter[str]]
    total: int
    cards: Sequence[ShootCard]
    now: datetime
    asked_by: Mapping[str, str] = field(default_factory=dict)

    @property
    def going(self) -> bool:
        """Whether something is under way, so that the page looks again."""
        return any(run.state in GOING for run in self.runs) or any(
            one.state is UploadState.WAITING for one in self.uploads
        )


@dataclass(frozen=True)
class Lineage:
    """One picture with its whole story; `by` is who brought it in or asked for it, by name; `card` its shoot card."""

    tile: Tile
    by: str
    card: ShootCard | None
    now: datetime


def studio(scope: Scope, creator: Creator, facets: Facets) -> Studio:
    """The page; tiles are those the facets leave, the newest first."""
    tiles = _tiles(scope, creator.id)
    left = [tile for tile in tiles if _fits(tile, facets)]
    counts = {name: _count(tiles, facets, name) for name in FACETS}
    return Studio(
        creator=creator,
        recipes=studio_reads.recipes_of(scope, creator.id),
        runs=studio_reads.runs_of(scope, creator.id),
        pace=studio_reads.pace(scope) or GUESSED,
        uploads=uploads.recent(scope, creator.id, since=scope.now - FRESH),
        tiles=left,
        counts=counts,
        total=len(tiles),
        cards=shoot_cards.of_creators(scope, [creator.id]),
        now=scope.now,
    )


def _tiles(scope: Scope, creator_id: UUID) -> list[Tile]:
    used, packed = reviewing.shown_in_posts(scope, creator_id), studio_reads.packed(scope, creator_id)
    cards = [card for card in studio_reads.cards(scope, creator_id) if not card.standing.withheld]
    return [
        Tile(card, card.asset_id in used, card.asset_id in packed, packed.get(card.asset_id, False)) for card in cards
    ]


def _fits(tile: Tile, facets: Facets, *, but: str = "") -> bool:
    return all(
        name == but or getattr(facets, name) == ALL or getattr(facets, name) in tile.values[name] for name in FACETS
    )


def _count(tiles: Sequence[Tile], facets: Facets, name: str) -> Counter[str]:
    """How many each value of a facet would leave, the others as they are chosen."""
    here = [tile for tile in tiles if _fits(tile, facets, but=name)]
    return Counter({ALL: len(here)}) + Counter(value for tile in here for value in tile.values[name])


@dataclass(frozen=True)
class Progress:
    """What is under way."""

    runs: Sequence[Run]
    uploads: Sequence[Upload]
    now: datetime


def progress(scope: Scope, creator_id: UUID) -> Progress:
    """The runs and the files of a creator, for the part of the page that looks again."""
    files = uploads.recent(scope, creator_id, since=scope.now - FRESH)
    return Progress(studio_reads.runs_of(scope, creator_id), files, scope.now)


def lineage(scope: Scope, creator_id: UUID, asset_id: UUID) -> Lineage:
    """One picture of this creator. Raises NotFound for any other."""
    found = next((tile for tile in _tiles(scope, creator_id) if tile.card.asset_id == asset_id), None)
    if found is None:
        raise NotFound("library.asset_unknown", destination="-")
    actor = judging.makers(scope, [asset_id]).get(asset_id, "")
    names = {f"member:{one.id}": one.name for one in tenant_reads.members(scope)}
    return Lineage(found, names.get(actor, ""), _card(scope, creator_id, asset_id), scope.now)


def _card(scope: Scope, creator_id: UUID, asset_id: UUID) -> ShootCard | None:
    on = cardfacts.of_assets(scope, [asset_id]).get(asset_id)
    cards = shoot_cards.of_creators(scope, [creator_id]) if on is not None else []
    return next((card for card in cards if on is not None and card.id == on.card.id), None)


def variants(scope: Scope, creator_id: UUID, job_id: UUID) -> tuple[Run, list[Card]]:
    """A run of this creator with what it made. Raises NotFound for another's."""
    run = studio_reads.run_of(scope, job_id)
    if run.creator_id != creator_id:
        raise NotFound("job.unknown")
    return run, studio_reads.cards(scope, creator_id, job_id=job_id)


def engine_of(settings: GeneratorsSettings) -> str:
    """Which engine makes pictures here, without starting it: diffusion where a model is set, else the drawings."""
    return "diffusion" if settings.diffusion_folder else "placeholder"
