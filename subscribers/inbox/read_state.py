"""Read state of conversations for each member: a message of a fan is unread until the member opens
its conversation. Another member's reading changes nothing. What the AI answers is read."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.ids import uuid7

UNREAD_PERIOD = timedelta(days=30)
"""Age from which a message counts as read, equal to the retention of the read state."""

FIRST_PERIOD = timedelta(days=1)
"""Age from which messages count as read when a member opens the inbox for the first time."""

UNREAD = """
coalesce(r.unread, false) OR coalesce(c.last_in_at > :read_until
  AND c.last_in_seq > coalesce(r.seq, 0), false)
  AND (c.owner <> 'bot' OR EXISTS (SELECT FROM drafts w WHERE w.tenant_id = c.tenant_id
    AND w.conversation_id = c.id AND w.state IN ('draft', 'uncertain')))
"""
"""SQL condition: conversation `c` is unread by the member whose row is `r`, null without one. While
the AI handles it, it is unread only if a message is pending approval or uncertain, or if the member
marked it."""


def read_until(scope: Scope, member_id: UUID) -> datetime:
    """Return the time up to which all messages count as read by a member."""
    marked: datetime | None = scope.run(
        "SELECT read_until FROM inbox_marks WHERE tenant_id = :tenant AND member_id = :member",
        tenant=scope.tenant_id,
        member=member_id,
    ).scalar()
    oldest = scope.now - UNREAD_PERIOD
    return max(marked, oldest) if marked is not None else oldest


def start_reading(scope: Scope, member_id: UUID) -> None:
    """Record a member's first visit, from which unread messages are counted. Later visits change
    nothing."""
    scope.run(
        "INSERT INTO inbox_marks (tenant_id, id, member_id, read_until)"
        " VALUES (:tenant, :id, :member, :start) ON CONFLICT (tenant_id, member_id) DO NOTHING",
        tenant=scope.tenant_id,
        id=uuid7(),
        member=member_id,
        start=scope.now - FIRST_PERIOD,
    )


def mark_read(scope: Scope, conversation_id: UUID, member_id: UUID) -> None:
    """Mark a conversation as read by a member, up to the fan's last message. Nothing is written if
    it is already read. Raises NotFound."""
    done = scope.run(
        "WITH talk AS (SELECT id, creator_id, last_in_seq FROM conversations"
        " WHERE tenant_id = :tenant AND id = :talk), stored AS ("
        " INSERT INTO conversation_reads AS r (tenant_id, id, creator_id, conversation_id,"
        " member_id, seq, unread) SELECT :tenant, :id, creator_id, id, :member, last_in_seq, false"
        " FROM talk ON CONFLICT (tenant_id, conversation_id, member_id) DO UPDATE"
        " SET seq = EXCLUDED.seq, unread = false, updated_at = house_now()"
        " WHERE r.seq <> EXCLUDED.seq OR r.unread) SELECT id FROM talk",
        tenant=scope.tenant_id,
        id=uuid7(),
        talk=conversation_id,
        member=member_id,
    )
    if done.scalar() is None:
        raise NotFound("conversation.unknown")


def mark_unread(scope: Scope, conversation_id: UUID, member_id: UUID) -> None:
    """Mark a conversation as unread for a member, until they open it again. Raises NotFound."""
    mark_read(scope, conversation_id, member_id)
    scope.run(
        "UPDATE conversation_reads SET unread = true, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND conversation_id = :talk AND member_id = :member",
        tenant=scope.tenant_id,
        talk=conversation_id,
        member=member_id,
    )


def mark_all_read(scope: Scope, member_id: UUID) -> None:
    """Mark all conversations as read by a member, also those marked as unread."""
    scope.run(
        "INSERT INTO inbox_marks (tenant_id, id, member_id, read_until)"
        " VALUES (:tenant, :id, :member, :now) ON CONFLICT (tenant_id, member_id)"
        " DO UPDATE SET read_until = :now, updated_at = :now",
        tenant=scope.tenant_id,
        id=uuid7(),
        member=member_id,
        now=scope.now,
    )
    scope.run(
        "UPDATE conversation_reads SET unread = false, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND member_id = :member AND unread",
        tenant=scope.tenant_id,
        member=member_id,
    )


MAX_COUNTED = 99
"""Largest number of unread conversations that is counted exactly."""


def count_unread(scope: Scope, member_id: UUID, creators: Collection[UUID]) -> int:
    """Return the number of a member's unread conversations of these creators, at most
    `MAX_COUNTED` + 1."""
    found = scope.run(
        "SELECT count(*) FROM (SELECT FROM conversations c"  # noqa: S608  a constant
        " JOIN fans f ON f.tenant_id = c.tenant_id"
        " AND f.id = c.fan_id AND f.status <> 'erased' LEFT JOIN conversation_reads r"
        " ON r.tenant_id = c.tenant_id AND r.conversation_id = c.id AND r.member_id = :member"
        " WHERE c.tenant_id = :tenant AND c.creator_id = ANY(:creators)"
        " AND (c.last_in_at > :read_until OR r.unread)"
        f" AND ({UNREAD}) LIMIT :most) unread",
        tenant=scope.tenant_id,
        member=member_id,
        creators=list(creators),
        read_until=read_until(scope, member_id),
        most=MAX_COUNTED + 1,
    )
    return int(found.scalar_one())
