"""Triage of uploaded images one by one: a member decides whether each is for posts, for a pack, or
unused."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from foundation.db.database import Scope
from gate.ratings import ratings
from studio.library import assets
from studio.library.states import ShelfState
from studio.packs import packs


class TriageChoice(StrEnum):
    """The use of an image; `BACK` undoes the last choice."""

    FEED = "feed"
    PACK = "pack"
    NEVER = "never"
    BACK = "back"


SHELVES = {
    TriageChoice.FEED: ShelfState.KEPT,
    TriageChoice.PACK: ShelfState.KEPT,
    TriageChoice.NEVER: ShelfState.RETIRED,
    TriageChoice.BACK: ShelfState.NEW,
}

MAX_UNTRIAGED = 500
"""Maximum number of images read at once."""

_UNSORTED = """
SELECT c.asset_id, c.alt, c.label, c.file_name, c.sha256 FROM uploads u
JOIN creations c ON c.tenant_id = u.tenant_id AND c.asset_id = u.asset_id
WHERE u.tenant_id = :tenant AND u.creator_id = :creator AND u.state = 'ready' AND c.shelf = 'new'
ORDER BY coalesce(c.taken_at, c.created_at), c.asset_id LIMIT :limit
"""


@dataclass(frozen=True)
class UntriagedPictures:
    """The first untriaged images in order of capture, and their number, at most `MAX_UNTRIAGED`."""

    assets: tuple[assets.AssetTile, ...]
    count: int


def list_untriaged(scope: Scope, creator_id: UUID, *, limit: int = 20) -> UntriagedPictures:
    """Return the untriaged uploads of a creator, without withheld ones.

    If labelled images must be separated, they are returned only after all others are triaged.
    """
    rows = scope.run(
        _UNSORTED, tenant=scope.tenant_id, creator=creator_id, limit=MAX_UNTRIAGED
    ).all()
    standing = ratings.display_ratings(scope, [row.sha256 for row in rows])
    seen = [row for row in rows if not standing[row.sha256].is_withheld]
    if assets.needs_label_separation(scope, creator_id):
        seen = [row for row in seen if not row.label] or seen
    return UntriagedPictures(
        tuple(
            assets.AssetTile(row.asset_id, row.alt, row.label, row.file_name)
            for row in seen[:limit]
        ),
        len(seen),
    )


def triage_picture(
    scope: Scope, creator_id: UUID, asset_id: UUID, choice: TriageChoice, *, pack: str
) -> None:
    """Apply a choice to an image; `pack` is the title of the draft pack for `PACK`. Idempotent.

    Raises NotFound for an image that is not the creator's, BadInput for an invalid title.
    """
    assets.check_assets_owned(scope, creator_id, [asset_id])
    assets.set_shelf_state(scope, asset_id, SHELVES[choice])
    if choice is TriageChoice.PACK:
        packs.add_to_draft(scope, creator_id=creator_id, title=pack, asset=asset_id)
    else:
        packs.remove_from_drafts(scope, creator_id=creator_id, asset=asset_id)
