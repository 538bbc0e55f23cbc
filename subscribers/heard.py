"""A fan's words beside those around them: an age may be spread over messages, or answer what we asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from channels.reads import Channel
from foundation.database import Scope
from gate.text import SPREAD
from subscribers import directory, talks

LATELY = 6
"""So many lines are looked back at for a statement that began earlier."""


@dataclass(frozen=True)
class Reading:
    """Words as they may be read: after what their writer said `before`, oldest first, and in answer to `asked`."""

    text: str
    before: Sequence[str] = ()
    asked: str = ""
    known: bool = False
    """Whether these words were heard when they were said, and only what stands before them is new."""


_LINES = """
SELECT m.seq, m.direction, m.body, coalesce(v.body, m.body) AS now FROM messages m
JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id
LEFT JOIN LATERAL (
  SELECT body FROM messages v WHERE v.tenant_id = m.tenant_id AND v.conversation_id = m.conversation_id
    AND v.seq > m.seq AND v.kind = :edited AND substr(v.native_id, :names) = m.native_id
  ORDER BY v.seq DESC LIMIT 1) v ON m.direction = 'in'
WHERE m.tenant_id = :tenant AND c.fan_id = :fan AND c.channel_id = :channel AND c.kind = 'private' AND m.kind = 'text'
"""
"""What was said as words, in a fan's private conversation: as it was first, and as it reads now."""

_LATELY = _LINES + " AND m.at > :since ORDER BY m.seq DESC LIMIT :lines"
_AROUND = _LINES + " AND m.seq BETWEEN :at - :lines AND :at + :lines ORDER BY m.seq"


def said_now(scope: Scope, fan: directory.Identity, channel: Channel, text: str) -> tuple[Reading, ...]:
    """What a fan says now, after what they wrote last in this session and in answer to the last thing we said; what
    they wrote is read as it was, and as it was edited."""
    found = _found(scope, _LATELY, fan, channel, since=scope.now - talks.SESSION)[::-1]
    asked = next((row.body for row in reversed(found) if row.direction == "out"), "")
    theirs = [row for row in found if row.direction == "in"]
    was, reads = [row.body for row in theirs], [row.now for row in theirs]
    return tuple(Reading(text, before, asked) for before in ([was] if was == reads else [was, reads]))


def said_in_place(
    scope: Scope, fan: directory.Identity, channel: Channel, text: str, *, at: int
) -> tuple[Reading, ...]:
    """What line `at` of a fan's conversation says now: after what stands before it, in answer to what we had said, and
    before what they wrote next."""
    found = _found(scope, _AROUND, fan, channel, at=at)
    theirs = [row for row in found if row.direction == "in"]
    before = [row.now for row in theirs if row.seq < at]
    asked = next((row.body for row in reversed(found) if row.direction == "out" and row.seq < at), "")
    after = [row.now for row in theirs if row.seq > at][:SPREAD]
    told = (" ".join(after[: many + 1]) for many in range(len(after)))
    return Reading(text, before, asked), *(Reading(words, [*before, text], known=True) for words in told)


def _found(scope: Scope, statement: str, fan: directory.Identity, channel: Channel, **more: Any) -> list[Any]:
    params = {"fan": fan.fan_id, "channel": channel.id, "lines": LATELY, "edited": talks.EDITED, "names": talks.NAMES}
    return list(scope.run(statement, tenant=scope.tenant_id, **params, **more))
