"""A fan's text with its context: a statement of age may be spread over several messages or answer
our question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from channels.accounts.queries import Channel
from foundation.db.database import Scope
from gate.text.text_rating import MAX_MESSAGE_SPREAD
from subscribers.conversations import conversation_rows
from subscribers.fans import directory

LATELY = 6
"""Number of previous messages that are read for a statement that began earlier."""


@dataclass(frozen=True)
class MessageReading:
    """A text with its context: the fan's messages `before` it, oldest first, and our message
    `asked` that it may answer."""

    text: str
    before: Sequence[str] = ()
    asked: str = ""
    known: bool = False
    """True if the text was checked when it arrived, and only the context is new."""


_LINES = """
SELECT m.seq, m.direction, m.body, coalesce(v.body, m.body) AS now FROM messages m
JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id
LEFT JOIN LATERAL (
  SELECT body FROM messages v WHERE v.tenant_id = m.tenant_id AND v.conversation_id =
  m.conversation_id
    AND v.seq > m.seq AND v.kind = :edited AND substr(v.native_id, :names) = m.native_id
  ORDER BY v.seq DESC LIMIT 1) v ON m.direction = 'in'
WHERE m.tenant_id = :tenant AND c.fan_id = :fan AND c.channel_id = :channel AND c.kind =
'private' AND m.kind = 'text'
"""
"""Text messages of a fan's private conversation, in the original and in the current version."""

_LATELY = _LINES + " AND m.at > :since ORDER BY m.seq DESC LIMIT :lines"
_AROUND = _LINES + " AND m.seq BETWEEN :at - :lines AND :at + :lines ORDER BY m.seq"


def read_new_message(
    scope: Scope, fan: directory.FanIdentityView, channel: Channel, text: str
) -> tuple[MessageReading, ...]:
    """Return the readings of a new message: after the last messages of the session, and as an
    answer to our last one.

    If earlier messages were edited, a second reading has their current text.
    """
    found = _fetch_rows(
        scope, _LATELY, fan, channel, since=scope.now - conversation_rows.SESSION_GAP
    )[::-1]
    asked = next((row.body for row in reversed(found) if row.direction == "out"), "")
    theirs = [row for row in found if row.direction == "in"]
    was = [row.body for row in theirs]
    reads = [row.now for row in theirs]
    return tuple(
        MessageReading(text, before, asked) for before in ([was] if was == reads else [was, reads])
    )


def read_edited_message(
    scope: Scope, fan: directory.FanIdentityView, channel: Channel, text: str, *, at: int
) -> tuple[MessageReading, ...]:
    """Return the readings of the edited message number `at` with the messages before it, and of the
    messages that follow it."""
    found = _fetch_rows(scope, _AROUND, fan, channel, at=at)
    theirs = [row for row in found if row.direction == "in"]
    before = [row.now for row in theirs if row.seq < at]
    asked = next(
        (row.body for row in reversed(found) if row.direction == "out" and row.seq < at), ""
    )
    after = [row.now for row in theirs if row.seq > at][:MAX_MESSAGE_SPREAD]
    told = (" ".join(after[: many + 1]) for many in range(len(after)))
    return MessageReading(text, before, asked), *(
        MessageReading(words, [*before, text], known=True) for words in told
    )


def _fetch_rows(
    scope: Scope, statement: str, fan: directory.FanIdentityView, channel: Channel, **more: Any
) -> list[Any]:
    params = {
        "fan": fan.fan_id,
        "channel": channel.id,
        "lines": LATELY,
        "edited": conversation_rows.EDITED_KIND,
        "names": conversation_rows.EDITED_ID_OFFSET,
    }
    return list(scope.run(statement, tenant=scope.tenant_id, **params, **more))
