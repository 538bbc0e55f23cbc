"""The memory that a reply uses: the facts that fit the new message best, and the summary."""

import re
from collections.abc import Sequence
from uuid import UUID

from foundation.db.database import Scope
from subscribers.memory.fact_checks import SINGLE_KEYS, normalize_fact_value
from subscribers.memory.facts import FanFact, list_facts

MAX_RECALLED = 6
"""Maximum number of facts in a prompt, besides the name and the birthday."""

MIN_SHARED_LETTERS = 4
"""Number of letters at the beginning of two words that count as a match: `sail` and `sailing`."""


def recall_facts(scope: Scope, fan_id: UUID, said: Sequence[str]) -> tuple[FanFact, ...]:
    """Return the facts for a reply to these messages: name and birthday, then pinned facts, those
    that the messages mention, and the newest."""
    known = list_facts(scope, fan_id)
    stems = _word_stems(" ".join(said))
    order = sorted(
        (one for one in known if one.key not in SINGLE_KEYS),
        key=lambda one: (not one.pinned, not stems & _word_stems(one.value)),
    )
    return (*(one for one in known if one.key in SINGLE_KEYS), *order[:MAX_RECALLED])


def _word_stems(text: str) -> frozenset[str]:
    words = re.findall(r"\w+", normalize_fact_value(text))
    return frozenset(word[:MIN_SHARED_LETTERS] for word in words if len(word) >= MIN_SHARED_LETTERS)


def load_summary(scope: Scope, conversation_id: UUID) -> str:
    """Return the summary of a conversation, or an empty text."""
    return str(
        scope.run(
            "SELECT text FROM conversation_summaries WHERE tenant_id = :tenant"
            " AND conversation_id = :talk",
            tenant=scope.tenant_id,
            talk=conversation_id,
        ).scalar()
        or ""
    )
