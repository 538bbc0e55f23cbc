"""Messages and sales between a creator and their fans in order, as frozen values for timelines,
rollups and reports."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from foundation.db.database import Scope
from foundation.money import Money
from subscribers.rails import installed_rails


@dataclass(frozen=True)
class MessageLine:
    """A message. `direction` is in or out, `author` is fan, bot, member or system."""

    id: UUID
    at: datetime
    fan: str
    direction: str
    author: str
    kind: str
    body: str


@dataclass(frozen=True)
class SaleLine:
    """A sale or a refund, whose `amount` is negative. `fan` is "" if unknown."""

    payment_id: UUID
    kind: Literal["sale", "refund"]
    at: datetime
    fan: str
    title: str
    amount: Money


def messages_between(
    scope: Scope, creator_id: UUID, since: datetime, until: datetime, *, limit: int = 1000
) -> list[MessageLine]:
    """Return a creator's messages in [since, until), in order."""
    rows = scope.run(
        "SELECT m.id, m.at, f.display_name, m.direction, m.author, m.kind, m.body FROM messages m"
        " JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id"
        " JOIN fans f ON f.tenant_id = c.tenant_id AND f.id = c.fan_id"
        " WHERE m.tenant_id = :tenant AND m.creator_id = :creator AND m.at >= :since AND m.at < "
        ":until"
        " ORDER BY m.at, m.id LIMIT :limit",
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        until=until,
        limit=limit,
    )
    return [MessageLine(*row) for row in rows]


_SALES = """
WITH sold AS (
  SELECT p.id, p.order_id, p.fan_id, p.account, p.amount_minor, p.currency, t.occurred_at AS at
  FROM ledger_transactions t JOIN payments p ON p.tenant_id = t.tenant_id
    AND p.id = CASE WHEN t.source_key ~ '^[0-9a-f-]{36}$' THEN CAST(t.source_key AS uuid) END
  WHERE t.tenant_id = :tenant AND t.creator_id = :creator AND t.kind = 'sale'
    AND t.source_kind IN ('payment', 'settled') AND t.occurred_at >= :since AND t.occurred_at <
    :until
    AND p.kind = 'matched'
  UNION ALL SELECT p.id, p.order_id, p.fan_id, p.account, p.amount_minor, p.currency, p.at FROM
  payments p
  WHERE p.tenant_id = :tenant AND p.creator_id = :creator AND p.kind = 'matched' AND p.rail <>
  ALL(:told)
    AND p.at >= :since AND p.at < :until AND NOT EXISTS (SELECT FROM ledger_transactions t
      WHERE t.tenant_id = p.tenant_id AND t.source_kind IN ('payment', 'settled') AND
      t.source_key = CAST(p.id AS text))
), moved AS (
  SELECT 'sale' AS kind, * FROM sold
  UNION ALL SELECT 'refund', p.id, p.order_id, p.fan_id, p.account, -p.amount_minor, p.currency,
  r.done_at
  FROM refunds r JOIN payments p ON p.tenant_id = r.tenant_id AND p.id = r.payment_id
  WHERE r.tenant_id = :tenant AND p.creator_id = :creator AND p.kind = 'matched' AND p.rail <>
  ALL(:told)
    AND r.done_at >= :since AND r.done_at < :until
)
SELECT m.id, m.kind, m.at, coalesce(f.display_name, '') AS fan, coalesce(o.title, s.title,
m.account) AS title,
  m.amount_minor, m.currency
FROM moved m
LEFT JOIN orders o ON o.tenant_id = :tenant AND o.id = m.order_id
LEFT JOIN subscription_months n ON n.tenant_id = :tenant AND n.payment_id = m.id
LEFT JOIN subscriptions s ON s.tenant_id = :tenant AND s.id = n.subscription_id
LEFT JOIN fans f ON f.tenant_id = :tenant AND f.id = coalesce(o.fan_id, m.fan_id)
UNION ALL SELECT (array_agg(l.id ORDER BY l.id))[1], l.kind, max(l.booked_at), '', l.source,
  sum(CASE l.kind WHEN 'sale' THEN l.gross_minor ELSE -l.gross_minor END), l.currency
FROM statement_lines l WHERE l.tenant_id = :tenant AND l.creator_id = :creator AND l.kind <>
'payout'
  AND l.gross_minor <> 0 AND l.booked_at >= :since AND l.booked_at < :until
GROUP BY l.source, l.kind, l.currency
ORDER BY 3, 1
"""
"""A sale counts on the day it is booked, even if it was reported late or assigned by a member."""


def sales_between(
    scope: Scope, creator_id: UUID, since: datetime, until: datetime
) -> list[SaleLine]:
    """Return the sales and refunds in [since, until), in order.

    Sales by rails (packs, months, paid posts) are listed one by one. Amounts from a platform's list
    or statement are summed to one line for sales and one for refunds.
    """
    rows = scope.run(
        _SALES,
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        until=until,
        told=installed_rails.locked_rail_names(),
    )
    return [
        SaleLine(
            row.id, row.kind, row.at, row.fan, row.title, Money(int(row.amount_minor), row.currency)
        )
        for row in rows
    ]


def count_packs_delivered(scope: Scope, channel_id: UUID, native_id: str) -> int:
    """Return the number of packs delivered to a user on one of our accounts."""
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


def sent_message_ids(scope: Scope, conversation_id: UUID) -> list[str]:
    """Return the platform IDs of the messages sent to a fan, in the order of their creation."""
    rows = scope.run(
        "SELECT native_id FROM drafts WHERE tenant_id = :tenant AND conversation_id = :talk AND "
        "state = 'sent'"
        " ORDER BY id",
        tenant=scope.tenant_id,
        talk=conversation_id,
    )
    return list(rows.scalars())


def received_message_ids(scope: Scope, conversation_id: UUID) -> list[str]:
    """Return the platform IDs of the messages received from a fan, in the order of
    their receipt."""
    rows = scope.run(
        "SELECT native_id FROM messages WHERE tenant_id = :tenant AND conversation_id = :talk AND "
        "direction = 'in'"
        " ORDER BY seq",
        tenant=scope.tenant_id,
        talk=conversation_id,
    )
    return list(rows.scalars())
