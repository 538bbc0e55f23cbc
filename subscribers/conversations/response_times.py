"""Response times of conversations by local day: how long fans wait for an answer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from foundation.db.database import Scope
from subscribers.conversations.states import OwnerState

UNANSWERED_AFTER_HOURS = 24
"""Hours after which a message counts as unanswered; a later answer does not change that."""


@dataclass(frozen=True)
class ResponseFacts:
    """Conversations of a local day. A wait begins with the first message of a fan after an answer
    and belongs to the day of that message.

    `median_seconds` and `p90_seconds` are None if no wait ended. `unanswered` waits are not part of
    them, and waits that may still be answered are not counted. `hand_offs` are conversations that
    the AI passed to the team.
    """

    conversations: int = 0
    hand_offs: int = 0
    answered: int = 0
    unanswered: int = 0
    median_seconds: float | None = None
    p90_seconds: float | None = None


_WAITS = f"""
SELECT CAST(m.at AT TIME ZONE :zone AS date) AS day,
  count(*) FILTER (WHERE a.at <= m.at + interval '{UNANSWERED_AFTER_HOURS} hours') AS answered,
  count(*) FILTER (WHERE coalesce(a.at, :now) > m.at + interval '{UNANSWERED_AFTER_HOURS} hours')
    AS unanswered,
  percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY extract(epoch FROM a.at - m.at))
    FILTER (WHERE a.at <= m.at + interval '{UNANSWERED_AFTER_HOURS} hours') AS seconds
FROM messages m
LEFT JOIN LATERAL (SELECT b.direction FROM messages b WHERE b.tenant_id = m.tenant_id
  AND b.conversation_id = m.conversation_id AND b.seq < m.seq
  AND b.kind NOT IN ('remark', 'edited') ORDER BY b.seq DESC LIMIT 1) before ON true
LEFT JOIN LATERAL (SELECT o.at FROM messages o WHERE o.tenant_id = m.tenant_id
  AND o.conversation_id = m.conversation_id AND o.seq > m.seq AND o.direction = 'out'
  AND o.author IN ('bot', 'member') ORDER BY o.seq LIMIT 1) a ON true
WHERE m.tenant_id = :tenant AND m.creator_id = :creator AND m.at >= :since AND m.at < :until
  AND m.direction = 'in' AND m.kind NOT IN ('remark', 'edited')
  AND before.direction IS DISTINCT FROM 'in'
GROUP BY 1
"""  # noqa: S608  a constant

_CONVERSATIONS = """
SELECT CAST(at AT TIME ZONE :zone AS date) AS day, count(DISTINCT conversation_id) AS count
FROM messages WHERE tenant_id = :tenant AND creator_id = :creator AND at >= :since AND at < :until
  AND direction = 'in' AND kind NOT IN ('remark', 'edited')
GROUP BY 1
"""

_HAND_OFFS = """
SELECT CAST(created_at AT TIME ZONE :zone AS date) AS day, count(*) AS count
FROM conversation_moves WHERE tenant_id = :tenant AND creator_id = :creator
  AND created_at >= :since AND created_at < :until AND before = :bot AND after = :pending
GROUP BY 1
"""


def response_facts_by_day(
    scope: Scope, creator_id: UUID, since: datetime, until: datetime, *, zone: str
) -> Mapping[date, ResponseFacts]:
    """Return the response times of a creator's conversations in [since, until) by local day in the
    IANA time zone `zone`. Days without conversations are absent."""
    period = {
        "tenant": scope.tenant_id,
        "creator": creator_id,
        "since": since,
        "until": until,
        "zone": zone,
    }
    found = {
        row.day: ResponseFacts(conversations=row.count)
        for row in scope.run(_CONVERSATIONS, **period)
    }
    states = {"bot": str(OwnerState.BOT), "pending": str(OwnerState.PENDING_HUMAN)}
    for row in scope.run(_HAND_OFFS, **period, **states):
        found[row.day] = replace(found.get(row.day, ResponseFacts()), hand_offs=row.count)
    for row in scope.run(_WAITS, **period, now=scope.now):
        median, p90 = row.seconds or (None, None)
        found[row.day] = replace(
            found.get(row.day, ResponseFacts()),
            answered=row.answered,
            unanswered=row.unanswered,
            median_seconds=median,
            p90_seconds=p90,
        )
    return found
