"""What happened between a creator and their fans, in order: for timelines, rollups and reports. Frozen values."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from foundation.database import Scope
from foundation.money import Money


@dataclass(frozen=True)
class Spoken:
    """One line said; `direction` in or out, `author` fan, bot, member or system."""

    id: UUID
    at: datetime
    fan: str
    direction: str
    author: str
    kind: str
    body: str


@dataclass(frozen=True)
class Sale:
    """Money that came in for a pack, or went back (`amount` is then negative)."""

    payment_id: UUID
    kind: Literal["sale", "refund"]
    at: datetime
    fan: str
    title: str
    amount: Money


def messages_between(
    scope: Scope, creator_id: UUID, since: datetime, until: datetime, *, limit: int = 1000
) -> list[Spoken]:
    """What was said in [since, until), in order."""
    rows = scope.run(
        "SELECT m.id, m.at, f.display_name, m.direction, m.author, m.kind, m.body FROM messages m"
        " JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id"
        " JOIN fans f ON f.tenant_id = c.tenant_id AND f.id = c.fan_id"
        " WHERE m.tenant_id = :tenant AND m.creator_id = :creator AND m.at >= :since AND m.at < :until"
        " ORDER BY m.at, m.id LIMIT :limit",
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        until=until,
        limit=limit,
    )
    return [Spoken(*row) for row in rows]


def sales_between(scope: Scope, creator_id: UUID, since: datetime, until: datetime) -> list[Sale]:
    """Every sale and every refund of a sale in [since, until), in order: what the rails did."""
    rows = scope.run(
        "SELECT p.id, 'sale' AS kind, p.at, f.display_name, o.title, p.amount_minor, p.currency FROM payments p"
        " JOIN orders o ON o.tenant_id = p.tenant_id AND o.id = p.order_id"
        " JOIN fans f ON f.tenant_id = p.tenant_id AND f.id = o.fan_id"
        " WHERE p.tenant_id = :tenant AND p.creator_id = :creator AND p.kind = 'matched'"
        "   AND p.at >= :since AND p.at < :until"
        " UNION ALL SELECT p.id, 'refund', r.done_at, f.display_name, o.title, -p.amount_minor, p.currency"
        " FROM refunds r JOIN payments p ON p.tenant_id = r.tenant_id AND p.id = r.payment_id"
        " JOIN orders o ON o.tenant_id = p.tenant_id AND o.id = p.order_id"
        " JOIN fans f ON f.tenant_id = p.tenant_id AND f.id = o.fan_id"
        " WHERE r.tenant_id = :tenant AND p.creator_id = :creator AND p.kind = 'matched'"
        "   AND r.done_at >= :since AND r.done_at < :until"
        " ORDER BY 3, 1",
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        until=until,
    )
    return [
        Sale(row.id, row.kind, row.at, row.display_name, row.title, Money(row.amount_minor, row.currency))
        for row in rows
    ]


def packs_delivered(scope: Scope, channel_id: UUID, native_id: str) -> int:
    """How many packs were delivered to a platform's fan on one of our accounts."""
    return int(
        scope.run(
            "SELECT count(*) FROM fulfilments p JOIN fan_identities i ON i.tenant_id = p.tenant_id"
            " AND i.fan_id = p.fan_id AND i.channel_id = p.channel_id"
            " WHERE p.tenant_id = :tenant AND p.channel_id = :channel AND i.native_id = :native"
            " AND p.state = 'delivered'",
            tenant=scope.tenant_id,
            channel=channel_id,
            native=native_id,
        ).scalar_one()
    )


def written(scope: Scope, conversation_id: UUID) -> list[str]:
    """The platform's ids of what was sent to a fan, in the order it was written."""
    rows = scope.run(
        "SELECT native_id FROM drafts WHERE tenant_id = :tenant AND conversation_id = :talk AND state = 'sent'"
        " ORDER BY id",
        tenant=scope.tenant_id,
        talk=conversation_id,
    )
    return list(rows.scalars())


def heard(scope: Scope, conversation_id: UUID) -> list[str]:
    """The platform's ids of what a fan said, in the order it was kept."""
    rows = scope.run(
        "SELECT native_id FROM messages WHERE tenant_id = :tenant AND conversation_id = :talk AND direction = 'in'"
        " ORDER BY seq",
        tenant=scope.tenant_id,
        talk=conversation_id,
    )
    return list(rows.scalars())
