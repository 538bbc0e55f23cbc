"""Outcomes of fans for predictions: purchases by day and by pack, first purchases after a first
message, and renewals of subscriptions. No names, texts or other personal data."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from subscribers.subscriptions.renewals import GRACE
from tenants.agencies.queries import Creator

LEAD_DAYS = 7
"""Days after the first message in which a first purchase counts."""

OBSERVED = timedelta(hours=24)
"""Time after the first message whose messages are counted."""

LEAD_PERIOD = timedelta(days=400)
"""Period of first messages that is read."""

OPEN_LEAD = timedelta(days=30)
"""Time after the first message in which a fan without a purchase is a lead."""


@dataclass(frozen=True)
class FanPurchase:
    """Net sales of a fan on a local day in one currency: gross minus refunds, in minor units."""

    fan_id: UUID
    day: date
    currency: str
    net_minor: int


@dataclass(frozen=True)
class LeadFacts:
    """A fan's first day of messages. `bought` is None until the outcome is known.

    `hour` and `weekday` (0 is Monday) are those of the first message, in the creator's time zone.
    Messages after the first purchase are not counted.
    """

    fan_id: UUID
    first_day: date
    hour: int
    weekday: int
    messages_in: int
    messages_out: int
    length: int
    bought: bool | None


@dataclass(frozen=True)
class PeriodFacts:
    """A paid period of a subscription. `ended` is None until the outcome is known.

    `number` counts the periods of the subscription. The other values describe the fan at the end
    of the period, before its outcome.
    """

    fan_id: UUID
    last_day: date
    number: int
    amount_minor: int
    currency: str
    messages_30: int
    days_silent: int | None
    purchases: int
    ended: bool | None


_PURCHASES = """
SELECT t.source_key, (array_agg(t.fan_id) FILTER (WHERE t.fan_id IS NOT NULL))[1] AS fan_id,
  CAST(t.occurred_at AT TIME ZONE :zone AS date) AS day, e.currency, -sum(e.amount_minor) AS net
FROM ledger_transactions t JOIN ledger_entries e ON e.tenant_id = t.tenant_id
  AND e.transaction_id = t.id AND e.account IN ('sales', 'refunds')
WHERE t.tenant_id = :tenant AND t.creator_id = :creator AND t.kind IN ('sale', 'refund')
GROUP BY t.source_key, day, e.currency
"""
"""A refund may name no fan; it has the key of its sale. The rows are joined in Python: with the
statistics of a table that was just filled, a join of its groups took 40 seconds."""


def list_fan_purchases(scope: Scope, creator: Creator) -> list[FanPurchase]:
    """Return the net sales of each fan by local day and currency, as the ledger books them.

    Sales whose fan is unknown are not included.
    """
    rows = scope.run(
        _PURCHASES, tenant=scope.tenant_id, creator=creator.id, zone=creator.zone
    ).all()
    fans = {row.source_key: row.fan_id for row in rows if row.fan_id is not None}
    sums: defaultdict[tuple[UUID, date, str], int] = defaultdict(int)
    for row in rows:
        if row.source_key in fans:
            sums[fans[row.source_key], row.day, row.currency] += int(row.net)
    return [FanPurchase(*key, net) for key, net in sorted(sums.items())]


_LEADS = """
WITH firsts AS MATERIALIZED (
  SELECT DISTINCT ON (c.fan_id) c.fan_id, c.id AS conversation_id, m.at
  FROM conversations c JOIN fans f ON f.tenant_id = c.tenant_id AND f.id = c.fan_id
    AND f.status = 'active'
  CROSS JOIN LATERAL (SELECT g.at FROM messages g WHERE g.tenant_id = c.tenant_id
    AND g.conversation_id = c.id AND g.direction = 'in' ORDER BY g.seq LIMIT 1) m
  WHERE c.tenant_id = :tenant AND c.creator_id = :creator AND c.kind = 'private'
    AND m.at >= :since
  ORDER BY c.fan_id, m.at
)
SELECT f.fan_id, f.at AT TIME ZONE :zone AS first_at, f.at AS instant, b.at AS bought_at,
  m.heard, m.sent, m.length
FROM firsts f
LEFT JOIN LATERAL (SELECT t.occurred_at AS at FROM ledger_transactions t
  WHERE t.tenant_id = :tenant AND t.fan_id = f.fan_id AND t.kind = 'sale'
  ORDER BY t.occurred_at LIMIT 1) b ON true
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE g.direction = 'in') AS heard,
    count(*) FILTER (WHERE g.direction = 'out') AS sent,
    coalesce(avg(length(g.body)) FILTER (WHERE g.direction = 'in'), 0) AS length
  FROM messages g WHERE g.tenant_id = :tenant AND g.conversation_id = f.conversation_id
    AND g.at >= f.at AND g.at < least(f.at + :observed, coalesce(b.at, 'infinity'))) m
WHERE b.at IS NULL OR b.at >= f.at
ORDER BY f.at, f.fan_id
"""
"""Each part is one look-up in an index for each conversation."""


def list_leads(scope: Scope, creator: Creator) -> list[LeadFacts]:
    """Return fans by first message, oldest first: those whose outcome is known, and open leads.

    Leads without a purchase whose `OPEN_LEAD` is over keep their outcome, `bought` is False.
    """
    rows = scope.run(
        _LEADS,
        tenant=scope.tenant_id,
        creator=creator.id,
        zone=creator.zone,
        since=scope.now - LEAD_PERIOD,
        observed=OBSERVED,
    )
    return [_lead(row, scope) for row in rows]


def _lead(row: Any, scope: Scope) -> LeadFacts:
    until = row.instant + timedelta(days=LEAD_DAYS)
    bought: bool | None = row.bought_at is not None and row.bought_at < until
    if not bought and scope.now < until:
        bought = None
    return LeadFacts(
        fan_id=row.fan_id,
        first_day=row.first_at.date(),
        hour=row.first_at.hour,
        weekday=row.first_at.weekday(),
        messages_in=int(row.heard),
        messages_out=int(row.sent),
        length=int(row.length),
        bought=bought,
    )


_PERIODS = """
WITH paid AS (
  SELECT m.subscription_id, s.fan_id, m.until, p.at, p.amount_minor, p.currency,
    row_number() OVER (PARTITION BY m.subscription_id ORDER BY p.at, p.id) AS number,
    lead(p.at) OVER (PARTITION BY m.subscription_id ORDER BY p.at, p.id) AS renewed_at
  FROM subscription_months m
  JOIN subscriptions s ON s.tenant_id = :tenant AND s.id = m.subscription_id
  JOIN fans f ON f.tenant_id = :tenant AND f.id = s.fan_id AND f.status <> 'erased'
  JOIN payments p ON p.tenant_id = :tenant AND p.id = m.payment_id
  WHERE m.tenant_id = :tenant AND m.creator_id = :creator
)
SELECT o.*, CAST(o.until AT TIME ZONE :zone AS date) AS last_day,
  (SELECT count(*) FROM conversations c JOIN messages g ON g.tenant_id = :tenant
    AND g.conversation_id = c.id AND g.direction = 'in' AND g.at > o.until - interval '30 days'
    AND g.at <= least(o.until, :now)
    WHERE c.tenant_id = :tenant AND c.fan_id = o.fan_id AND c.kind = 'private') AS messages,
  (SELECT max(g.at) FROM conversations c JOIN messages g ON g.tenant_id = :tenant
    AND g.conversation_id = c.id AND g.direction = 'in' AND g.at <= least(o.until, :now)
    WHERE c.tenant_id = :tenant AND c.fan_id = o.fan_id AND c.kind = 'private') AS last_in,
  (SELECT count(*) FROM ledger_transactions t WHERE t.tenant_id = :tenant
    AND t.creator_id = :creator AND t.fan_id = o.fan_id AND t.kind = 'sale'
    AND t.occurred_at <= least(o.until, :now)) AS purchases
FROM paid o ORDER BY o.until, o.fan_id
"""


def list_subscription_periods(scope: Scope, creator: Creator) -> list[PeriodFacts]:
    """Return the paid periods of the creator's subscriptions by their end, oldest first.

    A period has ended without renewal `GRACE` after its end.
    """
    rows = scope.run(
        _PERIODS,
        tenant=scope.tenant_id,
        creator=creator.id,
        zone=creator.zone,
        now=scope.now,
    )
    found = []
    for row in rows:
        ended: bool | None = None
        if row.renewed_at is not None:
            ended = row.renewed_at > row.until + GRACE
        elif row.until + GRACE <= scope.now:
            ended = True
        silent = (min(row.until, scope.now) - row.last_in).days if row.last_in else None
        found.append(
            PeriodFacts(
                fan_id=row.fan_id,
                last_day=row.last_day,
                number=int(row.number),
                amount_minor=int(row.amount_minor),
                currency=row.currency,
                messages_30=int(row.messages),
                days_silent=silent,
                purchases=int(row.purchases),
                ended=ended,
            )
        )
    return found


@dataclass(frozen=True)
class PackPurchase:
    """The first paid order of a pack by a fan, not refunded."""

    fan_id: UUID
    pack_id: UUID
    at: datetime


def list_pack_purchases(
    scope: Scope, creator: Creator, *, since: datetime, most: int
) -> list[PackPurchase]:
    """Return the purchases of packs by fans that are not erased, oldest first, at most the newest
    `most`."""
    rows = scope.run(
        "SELECT o.fan_id, o.pack_id, min(o.created_at) AS at FROM orders o"
        " JOIN fans f ON f.tenant_id = o.tenant_id AND f.id = o.fan_id AND f.status <> 'erased'"
        " WHERE o.tenant_id = :tenant AND o.creator_id = :creator AND o.created_at >= :since"
        " AND o.state IN ('paid', 'fulfilling', 'fulfilled')"
        " GROUP BY o.fan_id, o.pack_id ORDER BY at DESC, o.fan_id, o.pack_id LIMIT :most",
        tenant=scope.tenant_id,
        creator=creator.id,
        since=since,
        most=most,
    ).all()
    return [PackPurchase(row.fan_id, row.pack_id, row.at) for row in reversed(rows)]
