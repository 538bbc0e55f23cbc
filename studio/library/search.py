"""Search of a library by words, tags and properties, paginated from newest to oldest.

The conditions are evaluated while the index of the page order is read. Words and tags have no
index: their operators are not leakproof, so PostgreSQL would not use an index under row-level
security.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from gate.ratings import ratings
from studio.library import queries
from studio.library.queries import AssetCard
from studio.library.states import ShelfState
from studio.packs.states import PackState

MAX_PAGE_SIZE = 100
"""Maximum images of one page."""

MAX_QUERY_LENGTH = 200
"""Maximum number of characters in a query; the rest is ignored."""

MAX_WORDS = 8
ANY_VALUE = "all"
OWN_PICTURES = "own"
DEMO_PICTURES = "demo"
"""Filter value for demo images; `OWN_PICTURES` selects images without a label."""

UNRATED = "none"
SHELF_FILTERS = {
    "here": (ShelfState.NEW, ShelfState.KEPT),
    "kept": (ShelfState.KEPT,),
    "away": (ShelfState.RETIRED,),
    ANY_VALUE: tuple(ShelfState),
}

_STEP = 200
_WIDEST = 3_200
_SPARE = 16
"""Number of extra rows read per page. With a rating filter, `_STEP` rows are read first and up to
`_WIDEST` later, because the rating is checked only after rows are read."""

PageCursor = tuple[datetime, UUID]
"""Time and ID of the last image of the previous page."""

_LAST: PageCursor = (datetime(9999, 12, 31, tzinfo=UTC), UUID(int=2**128 - 1))


@dataclass(frozen=True)
class LibraryQuery:
    """A search query.

    Each of `words` must occur in the texts of an image, ignoring case and accents; it must have all
    of `tags`. `rating` is a letter, "none" or "all"; `use` is used, unused, packed, sold or all;
    `origin` is upload, generated or all; `made` is own, demo or all. `since` (inclusive) and
    `until` (exclusive) limit the capture time, UTC-aware.
    """

    words: str = ""
    tags: tuple[str, ...] = ()
    recipe: str = ""
    engine: str = ""
    model: str = ""
    rating: str = ANY_VALUE
    use: str = ANY_VALUE
    origin: str = ANY_VALUE
    shelf: str = "here"
    made: str = ANY_VALUE
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class LibraryPage:
    """A page of images, and the cursor of the next page, or None on the last page."""

    cards: Sequence[AssetCard]
    after: PageCursor | None


@dataclass(frozen=True)
class SearchFacets:
    """The filter values of a library: tags (folded form, form as written, count), most used first;
    pairs of engine and model; recipe names; and the total number of images."""

    tags: Sequence[tuple[str, str, int]]
    made_with: Sequence[tuple[str, str]]
    recipes: Sequence[str]
    total: int


_FOUND = """
SELECT c.asset_id, c.sha256, c.created_at FROM creations c
WHERE c.tenant_id = :tenant AND c.creator_id = :creator AND (c.created_at, c.asset_id) < (:at,
:asset)
  AND c.shelf = ANY(:shelves)
  AND NOT EXISTS (SELECT FROM unnest(ARRAY(SELECT folded(w) FROM unnest(CAST(:words AS text[]))
  w)) w
    WHERE strpos(c.words, w) = 0)
  AND c.tags ?& CAST(:tags AS text[])
  AND (:engine = '' OR c.engine = :engine) AND (:model = '' OR c.model = :model)
  AND (:made = 'all' OR (c.label = '') = (:made = 'own'))
  AND (:origin = 'all' OR (c.job_id IS NULL AND c.seed IS NULL) = (:origin = 'upload'))
  AND (CAST(:since AS timestamptz) IS NULL OR c.taken_at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR c.taken_at < :until)
  AND (:recipe = '' OR c.job_id IN (SELECT j.id FROM jobs j JOIN recipes r ON r.tenant_id =
  j.tenant_id
    AND r.id = j.recipe_id WHERE j.tenant_id = :tenant AND j.creator_id = :creator AND r.name =
    :recipe))
  AND (:use NOT IN ('used', 'unused') OR (c.asset_id = ANY(CAST(:used AS uuid[]))) = (:use =
  'used'))
  AND (:use NOT IN ('packed', 'sold') OR c.asset_id IN (SELECT i.asset_id FROM pack_items i
    JOIN packs p ON p.tenant_id = i.tenant_id AND p.id = i.pack_id
    WHERE p.tenant_id = :tenant AND p.creator_id = :creator AND p.state <> :gone AND (p.frozen OR
    :use = 'packed')))
ORDER BY c.created_at DESC, c.asset_id DESC LIMIT :most
"""


def search_library(
    scope: Scope,
    creator_id: UUID,
    query: LibraryQuery,
    *,
    used: Collection[UUID] = (),
    after: PageCursor | None = None,
    limit: int = MAX_PAGE_SIZE,
) -> LibraryPage:
    """Return a page of a creator's images, without withheld ones.

    `used` are the assets used in posts. The caller provides them, because posts are in a higher
    layer.
    """
    limit = min(limit, MAX_PAGE_SIZE)
    step = _STEP if query.rating != ANY_VALUE else limit + _SPARE
    cards: list[AssetCard] = []
    while True:
        rows = _load_matching_rows(scope, creator_id, query, used, after or _LAST, most=step)
        standing = ratings.display_ratings(scope, [row.sha256 for row in rows])
        fits = [row for row in rows if _matches_rating(standing.get(row.sha256), query.rating)]
        shown = fits[: limit - len(cards)]
        cards += queries.get_asset_cards(scope, [row.asset_id for row in shown])
        if len(cards) == limit:
            last = (shown[-1].created_at, shown[-1].asset_id)
            return LibraryPage(cards, last if len(fits) > len(shown) or len(rows) == step else None)
        if len(rows) < step:
            return LibraryPage(cards, None)
        after = (rows[-1].created_at, rows[-1].asset_id)
        # Ratings are checked after the query, so read more rows at once if few match.
        step = min(step * 2, _WIDEST)


def _load_matching_rows(
    scope: Scope,
    creator_id: UUID,
    query: LibraryQuery,
    used: Collection[UUID],
    after: PageCursor,
    *,
    most: int,
) -> Sequence[Any]:
    given = {
        name: getattr(query, name)
        for name in ("engine", "model", "origin", "made", "recipe", "use", "since", "until")
    }
    found: Sequence[Any] = scope.run(
        _FOUND,
        **given,
        tenant=scope.tenant_id,
        creator=creator_id,
        at=after[0],
        asset=after[1],
        shelves=[str(one) for one in SHELF_FILTERS[query.shelf]],
        words=_parse_query_words(query.words),
        tags=list(query.tags),
        used=list(used) if query.use in ("used", "unused") else [],
        gone=str(PackState.RETIRED),
        most=most,
    ).all()
    return found


def _parse_query_words(typed: str) -> list[str]:
    """Return the words of a query without control characters."""
    kept = "".join(one if one.isprintable() else " " for one in typed[:MAX_QUERY_LENGTH])
    return kept.split()[:MAX_WORDS]


def _matches_rating(standing: ratings.DisplayRating | None, rating: str) -> bool:
    if standing is None or standing.is_withheld:
        return False
    return rating == ANY_VALUE or rating == (
        str(standing.rating) if standing.rating is not None else UNRATED
    )


_OFFERED = {
    "tags": "SELECT t.key, min(t.value) AS written, count(*) AS many FROM creations c, "
    "jsonb_each_text(c.tags) t"
    " WHERE c.tenant_id = :tenant AND c.creator_id = :creator GROUP BY t.key ORDER BY many DESC, "
    "t.key LIMIT 500",
    "made_with": "SELECT DISTINCT engine, model FROM creations"
    " WHERE tenant_id = :tenant AND creator_id = :creator ORDER BY engine, model LIMIT 100",
    "recipes": "SELECT DISTINCT name FROM recipes WHERE tenant_id = :tenant AND creator_id = "
    ":creator"
    " ORDER BY name LIMIT 500",
    "total": "SELECT count(*) FROM creations WHERE tenant_id = :tenant AND creator_id = :creator",
}


def search_facets(scope: Scope, creator_id: UUID) -> SearchFacets:
    """Return the filter values of a library."""
    whose = {"tenant": scope.tenant_id, "creator": creator_id}
    return SearchFacets(
        tags=[(row.key, row.written, row.many) for row in scope.run(_OFFERED["tags"], **whose)],
        made_with=[(row.engine, row.model) for row in scope.run(_OFFERED["made_with"], **whose)],
        recipes=list(scope.run(_OFFERED["recipes"], **whose).scalars()),
        total=int(scope.run(_OFFERED["total"], **whose).scalar_one()),
    )
