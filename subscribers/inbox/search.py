"""Search of conversations by the fan's name or handle and by the text of messages.

Words are found by their beginning, regardless of case and accents: `ete` finds `Été`. Several words
must occur in the same name or message. The database function `search_chats` uses an index of words.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.search_words import clean_search

MOST_HITS = 1000
"""Number of messages after which a search stops. A longer word narrows it."""


def find_conversations(
    scope: Scope, creators: Sequence[UUID], words: str
) -> Mapping[UUID, int | None]:
    """Return the conversations of these creators that match a search, each with the number of its
    newest matching message, None if only the fan's name or handle matches."""
    kept = clean_search(words)
    if not kept or not creators:
        return {}
    found = scope.run(
        "SELECT conversation_id, max(seq) AS seq FROM"
        " search_chats(:words, CAST(:creators AS uuid[]), :most) GROUP BY conversation_id",
        words=kept,
        creators=list(creators),
        most=MOST_HITS,
    )
    return {row.conversation_id: row.seq for row in found}
