"""A fan's words beside those around them: an age may be spread over messages, or answer what we asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from channels.reads import Channel
from foundation.database import Scope
from subscribers import directory, talks

LATELY = 6
"""So many lines are looked back at for a statement that began earlier."""


@dataclass(frozen=True)
class Reading:
    """Words as they may be read: after what their writer said `before`, oldest first, and in answer to `asked`."""

    text: str
    before: Sequence[str] = ()
    asked: str = ""


_LATELY = """
SELECT m.direction, m.body FROM messages m
JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id
WHERE m.tenant_id = :tenant AND c.fan_id = :fan AND c.channel_id = :channel AND c.kind = 'private' AND m.kind = 'text'
  AND m.at > :since
ORDER BY m.seq DESC LIMIT :lines
"""


def said_now(scope: Scope, fan: directory.Identity, channel: Channel, text: str) -> tuple[Reading, ...]:
    """What a fan says now, after what they wrote last in this session and in answer to the last thing we said."""
    rows = scope.run(
        _LATELY,
        tenant=scope.tenant_id,
        fan=fan.fan_id,
        channel=channel.id,
        since=scope.now - talks.SESSION,
        lines=LATELY,
    ).all()
    written = [row.body for row in rows if row.direction == "in"]
    return (Reading(text, written[::-1], next((row.body for row in rows if row.direction == "out"), "")),)
