"""Tags of images, set by members for search. Case, accents and spacing do not distinguish tags."""

import json
import unicodedata
from collections.abc import Collection
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound

MAX_TAGS = 30
"""Maximum number of tags of one image."""

MAX_TAG_LENGTH = 40
"""Maximum number of characters in one tag."""

AT_ONCE = 200
"""Maximum number of images in one request."""

_UNFIT = frozenset('"\\,')
"""Characters that are not allowed in tags, because they separate tags in an input field or are
escaped in JSON. Search matches the stored JSON text."""


def fold_tag(tag: str) -> str:
    """Return the folded form of a tag, by which tags are compared."""
    apart = unicodedata.normalize("NFKD", tag.casefold())
    return " ".join("".join(one for one in apart if not unicodedata.combining(one)).split())


def parse_tags(typed: Collection[str]) -> dict[str, str]:
    """Return tags by folded form. Of equal tags, the first is used.

    Raises BadInput for an empty, too long or invalid tag, and for too many tags.
    """
    found: dict[str, str] = {}
    for tag in typed:
        written = " ".join(tag.split())
        key = fold_tag(written)
        fits = (
            written.isprintable()
            and not _UNFIT & set(written)
            and len(written) <= MAX_TAG_LENGTH
            and len(key) <= MAX_TAG_LENGTH
        )
        if not key or not fits:
            raise BadInput("tag.invalid", tag=written[:MAX_TAG_LENGTH], most=MAX_TAG_LENGTH).about(
                "tag"
            )
        found.setdefault(key, written)
    if len(found) > MAX_TAGS:
        raise BadInput("tag.too_many", most=MAX_TAGS)
    return found


# Existing tags are the right operand, so their spelling is retained.
_ADD = """
UPDATE creations SET tags = CAST(:tags AS jsonb) || tags
WHERE tenant_id = :tenant AND creator_id = :creator AND asset_id = ANY(:assets)
RETURNING (SELECT count(*) FROM jsonb_object_keys(tags))
"""

_REMOVE = """
UPDATE creations SET tags = tags - CAST(:tags AS text[])
WHERE tenant_id = :tenant AND creator_id = :creator AND asset_id = ANY(:assets) RETURNING 1
"""


def add_tags(
    scope: Scope, creator_id: UUID, assets: Collection[UUID], tags: Collection[str]
) -> None:
    """Add tags to images of a creator, to all or none. Existing tags retain their spelling.

    Raises BadInput like `parse_tags` and for too many images; NotFound for images of other
    creators.
    """
    counts = _run_tag_statement(
        scope, _ADD, creator_id, assets, json.dumps(parse_tags(tags), ensure_ascii=False)
    )
    if max(counts, default=0) > MAX_TAGS:
        raise BadInput("tag.too_many", most=MAX_TAGS)


def remove_tags(
    scope: Scope, creator_id: UUID, assets: Collection[UUID], tags: Collection[str]
) -> None:
    """Remove tags from images of a creator. Missing tags are ignored. Raises the errors of
    `add_tags`."""
    _run_tag_statement(scope, _REMOVE, creator_id, assets, [fold_tag(one) for one in tags])


def _run_tag_statement(
    scope: Scope, statement: str, creator_id: UUID, assets: Collection[UUID], tags: str | list[str]
) -> list[int]:
    wanted = sorted(set(assets))
    if len(wanted) > AT_ONCE:
        raise BadInput("tag.too_many_pictures", most=AT_ONCE)
    named = {"tenant": scope.tenant_id, "creator": creator_id, "assets": wanted, "tags": tags}
    changed = list(scope.run(statement, **named).scalars())
    if len(changed) < len(wanted):
        raise NotFound("library.asset_unknown", destination="-")
    return changed
