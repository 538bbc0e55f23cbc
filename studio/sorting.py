"""Pictures that were handed in, sorted one after the other: for posts, for a pack, or for nothing."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from foundation.database import Scope
from gate import ratings
from studio import library, packs
from studio.states import ShelfState


class Choice(StrEnum):
    """What a picture is for; `BACK` takes the last choice back."""

    FEED, PACK, NEVER, BACK = "feed", "pack", "never", "back"


SHELVES = {
    Choice.FEED: ShelfState.KEPT,
    Choice.PACK: ShelfState.KEPT,
    Choice.NEVER: ShelfState.RETIRED,
    Choice.BACK: ShelfState.NEW,
}

MOST = 500
"""Pictures looked at in one read."""

_UNSORTED = """
SELECT c.asset_id, c.alt, c.label, c.sha256 FROM uploads u
JOIN creations c ON c.tenant_id = u.tenant_id AND c.asset_id = u.asset_id
WHERE u.tenant_id = :tenant AND u.creator_id = :creator AND u.state = 'ready' AND c.shelf = 'new'
ORDER BY coalesce(c.taken_at, c.created_at), c.asset_id LIMIT :limit
"""


@dataclass(frozen=True)
class Unsorted:
    """The first pictures nobody has sorted yet, in the order they were taken, and how many there are (`MOST`)."""

    assets: tuple[library.Tile, ...]
    count: int


def unsorted(scope: Scope, creator_id: UUID, *, limit: int = 20) -> Unsorted:
    """What was handed in for a creator and is not sorted; what is withheld (frozen, never allowed) is left out. Where
    pictures with a label stand apart, they come once all others are sorted."""
    rows = scope.run(_UNSORTED, tenant=scope.tenant_id, creator=creator_id, limit=MOST).all()
    standing = ratings.standing(scope, [row.sha256 for row in rows])
    seen = [row for row in rows if not standing[row.sha256].withheld]
    if library.apart(scope, creator_id):
        seen = [row for row in seen if not row.label] or seen
    return Unsorted(tuple(library.Tile(row.asset_id, row.alt, row.label) for row in seen[:limit]), len(seen))


def choose(scope: Scope, creator_id: UUID, asset_id: UUID, choice: Choice, *, pack: str) -> None:
    """Sort one picture; `pack` is the title of the draft it goes into for `PACK`. Chosen twice, it is so once.

    Raises NotFound for a picture that is not this creator's, and BadInput for a title no pack can have.
    """
    library.check_owner(scope, creator_id, [asset_id])
    library.shelve(scope, asset_id, SHELVES[choice])
    if choice is Choice.PACK:
        packs.gather(scope, creator_id=creator_id, title=pack, asset=asset_id)
    else:
        packs.leave_drafts(scope, creator_id=creator_id, asset=asset_id)
