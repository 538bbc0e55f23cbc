"""Search of posts by title and text.

Words are found by their beginning, regardless of case and accents. Several words must occur in the
same post. The database function `search_posts` uses an index of words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.search_words import clean_search
from schedules.posts.states import DeliveryState


@dataclass(frozen=True)
class FoundPost:
    """A post that matches a search, with the time and state of its earliest delivery, None for a
    post without one. `channels` is the number of its deliveries."""

    id: UUID
    creator_id: UUID
    text: str
    due_at: datetime | None
    state: DeliveryState | None
    channels: int


_FOUND = """
SELECT p.id, p.creator_id, coalesce(nullif(p.title, ''), p.body) AS text, d.due_at, d.state,
  (SELECT count(*) FROM deliveries c WHERE c.tenant_id = :tenant AND c.post_id = p.id) AS channels
FROM search_posts(:words, CAST(:creators AS uuid[]), :most) f
JOIN posts p ON p.tenant_id = :tenant AND p.id = f.post_id AND p.creator_id = ANY(:creators)
LEFT JOIN LATERAL (SELECT x.due_at, x.state FROM deliveries x
  WHERE x.tenant_id = :tenant AND x.post_id = p.id ORDER BY x.due_at, x.id LIMIT 1) d ON true
ORDER BY p.created_at DESC, p.id LIMIT :most
"""


def search_posts(
    scope: Scope, creators: Sequence[UUID], typed: str, *, most: int = 6
) -> list[FoundPost]:
    """Return posts of these creators that match the search, newest first."""
    words = clean_search(typed)
    if not words or not creators:
        return []
    asked = {"words": words, "creators": list(creators), "most": most}
    return [
        FoundPost(
            row.id,
            row.creator_id,
            row.text,
            row.due_at,
            DeliveryState(row.state) if row.state is not None else None,
            row.channels,
        )
        for row in scope.run(_FOUND, tenant=scope.tenant_id, **asked)
    ]
