"""Messages and sales of the last minutes, as frozen values for a live page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from foundation.money import Money
from subscribers.ledger import entries


@dataclass(frozen=True)
class RecentMessage:
    """A message between a fan and a creator. `author` is fan, bot, member or system."""

    creator_id: UUID
    conversation_id: UUID
    fan: str
    author: str
    body: str
    at: datetime


@dataclass(frozen=True)
class RecentSale:
    """A paid pack. `delivered` is True once the fan has it; `shares` is the booked revenue split,
    or None without a rule."""

    order_id: UUID
    creator_id: UUID
    fan: str
    title: str
    money: Money
    at: datetime
    delivered: bool
    shares: tuple[Money, Money, Money] | None
    """The shares of creator, agency and staff."""


def list_recent_messages(
    scope: Scope, creators: Sequence[UUID], *, since: datetime, limit: int = 6
) -> list[RecentMessage]:
    """Return the last messages in any conversation of these creators, newest first."""
    rows = scope.run(
        "SELECT m.creator_id, m.conversation_id, f.display_name, m.author, m.body, m.at FROM "
        "messages m"
        " JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id"
        " JOIN fans f ON f.tenant_id = c.tenant_id AND f.id = c.fan_id"
        " WHERE m.tenant_id = :tenant AND m.creator_id = ANY(:creators) AND m.at >= :since"
        " AND m.kind NOT IN ('button', 'invoice', 'pack') AND m.body <> ''"
        " ORDER BY m.at DESC, m.seq DESC LIMIT :limit",
        tenant=scope.tenant_id,
        creators=list(creators),
        since=since,
        limit=limit,
    )
    return [RecentMessage(*row) for row in rows]


_SOLD = """
SELECT p.order_id, p.creator_id, f.display_name, o.title, p.amount_minor, p.currency, p.at,
  coalesce(x.state = 'delivered', false) AS delivered,
  (SELECT jsonb_object_agg(s.account, s.minor) FROM (
    SELECT e.account, -sum(e.amount_minor) AS minor FROM ledger_transactions t
    JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
    WHERE t.tenant_id = p.tenant_id AND t.source_kind IN ('split', 'commission') AND t.source_key
    = CAST(p.id AS text)
    GROUP BY e.account) s) AS parts
FROM payments p
JOIN orders o ON o.tenant_id = p.tenant_id AND o.id = p.order_id
JOIN fans f ON f.tenant_id = p.tenant_id AND f.id = o.fan_id
LEFT JOIN fulfilments x ON x.tenant_id = o.tenant_id AND x.order_id = o.id
WHERE p.tenant_id = :tenant AND p.creator_id = ANY(:creators) AND p.kind = 'matched' AND p.at >=
:since
ORDER BY p.at DESC, p.id LIMIT :limit
"""


def list_recent_sales(
    scope: Scope, creators: Sequence[UUID], *, since: datetime, limit: int = 3
) -> list[RecentSale]:
    """Return the last packs paid by fans of these creators, newest first."""
    rows = scope.run(
        _SOLD, tenant=scope.tenant_id, creators=list(creators), since=since, limit=limit
    )
    return [
        RecentSale(
            row.order_id,
            row.creator_id,
            row.display_name,
            row.title,
            Money(row.amount_minor, row.currency),
            row.at,
            row.delivered,
            _parse_shares(row.parts, row.currency),
        )
        for row in rows
    ]


def _parse_shares(parts: dict[str, int] | None, currency: str) -> tuple[Money, Money, Money] | None:
    if not parts:
        return None
    creator, agency, staff = (
        Money(int(parts.get(account, 0)), currency)
        for account in (
            entries.CREATOR_DUE_ACCOUNT,
            entries.AGENCY_DUE_ACCOUNT,
            entries.CHATTER_DUE_ACCOUNT,
        )
    )
    return creator, agency, staff
