"""Fans who wait for the answer of a member."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope

_WAITING = """
SELECT c.creator_id, count(*) AS chats, min(c.last_in_at) AS since FROM conversations c
WHERE c.tenant_id = :tenant AND c.kind = 'private' AND c.owner IN ('pending_human', 'human')
  AND c.last_in_at <= :before AND (c.snoozed_until IS NULL OR c.snoozed_until <= :now)
  AND NOT EXISTS (SELECT FROM messages m WHERE m.tenant_id = c.tenant_id
    AND m.conversation_id = c.id AND m.seq > c.last_in_seq AND m.direction = 'out')
GROUP BY c.creator_id
"""


@dataclass(frozen=True)
class WaitingChats:
    """The number of a creator's private chats that wait for a member, and the time of the oldest
    fan message (UTC-aware)."""

    creator_id: UUID
    chats: int
    since: datetime


def list_waiting_chats(scope: Scope, *, before: datetime) -> list[WaitingChats]:
    """Return the creators with chats whose last message, of a fan, is not newer than `before`.
    Snoozed chats and those that the assistant answers are excluded."""
    rows = scope.run(_WAITING, tenant=scope.tenant_id, before=before, now=scope.now)
    return [WaitingChats(row.creator_id, row.chats, row.since) for row in rows]
