"""Tags: words that members put on pictures to find them again. Capitals, accents and spaces make no
other tag."""

import json
import unicodedata
from collections.abc import Collection
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound

MAX_TAGS = 30
"""Tags of one picture."""

MAX_TAG_LENGTH = 40
"""Letters of one tag."""

AT_ONCE = 200
"""Pictures that one gesture is about."""

_UNFIT = frozenset('"\\,')
"""Signs that end a tag in the list people type, or that JSON writes otherwise: search reads it as
it is written."""


def fold_tag(tag: str) -> str:
    """What makes two tags the same."""
    apart = unicodedata.normalize("NFKD", tag.casefold())
    return " ".join("".join(one for one in apart if not unicodedata.combining(one)).split())


def parse_tags(typed: Collection[str]) -> dict[str, str]:
    """Tags as they are kept, by folded form; of two that are the same the first stands.

    Raises BadInput for one that is empty, too long or holds signs a tag cannot, and for more than a
    picture may bear.
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
            raise BadInput("tag.invalid", tag=written[:MAX_TAG_LENGTH], most=MAX_TAG_LENGTH)
        found.setdefault(key, written)
    if len(found) > MAX_TAGS:
        raise BadInput("tag.too_many", most=MAX_TAGS)
    return found


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
    """Put tags on pictures of a creator, on all or none; one that is there stays as it was written.

    Raises BadInput as `read`, and for too many pictures at once; NotFound for a picture of somebody
    else.
    """
    counts = _run_tag_statement(
        scope, _ADD, creator_id, assets, json.dumps(parse_tags(tags), ensure_ascii=False)
    )
    if max(counts, default=0) > MAX_TAGS:
        raise BadInput("tag.too_many", most=MAX_TAGS)


def remove_tags(
    scope: Scope, creator_id: UUID, assets: Collection[UUID], tags: Collection[str]
) -> None:
    """Take tags off pictures of a creator; one that is not there is off already. Raises as
    `add`."""
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
