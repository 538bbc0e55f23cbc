"""What fans did, as predictions need it: purchases by day, first purchases after a first message,
and renewals of subscriptions. No names, texts or other personal data."""

from dataclasses import dataclass
from datetime import date, timedelta
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
WITH movements AS (
  SELECT t.id, t.source_key, t.fan_id, t.occurred_at FROM ledger_transactions t
  WHERE t.tenant_id = :tenant AND t.creator_id = :creator AND t.kind IN ('sale', 'refund')
), fans_of_keys AS (
  SELECT source_key, (array_agg(fan_id))[1] AS fan_id FROM movements WHERE fan_id IS NOT NULL
  GROUP BY source_key
)
SELECT k.fan_id, CAST(m.occurred_at AT TIME ZONE :zone AS date) AS day, e.currency,
  -sum(e.amount_minor) AS net
FROM movements m JOIN fans_of_keys k ON k.source_key = m.source_key
JOIN fans f ON f.tenant_id = :tenant AND f.id = k.fan_id AND f.status <> 'erased'
JOIN ledger_entries e ON e.tenant_id = :tenant AND e.transaction_id = m.id
  AND e.account IN ('sales', 'refunds')
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def list_fan_purchases(scope: Scope, creator: Creator) -> list[FanPurchase]:
    """Return the net sales of each fan by local day and currency, as the ledger books them."""
    rows = scope.run(_PURCHASES, tenant=scope.tenant_id, creator=creator.id, zone=creator.zone)
    return [FanPurchase(row.fan_id, row.day, row.currency, int(row.net)) for row in rows]


_LEADS = """
WITH firsts AS (
  SELECT c.fan_id, min(m.at) AS at FROM conversations c
  JOIN fans f ON f.tenant_id = :tenant AND f.id = c.fan_id AND f.status = 'active'
  JOIN messages m ON m.tenant_id = :tenant AND m.conversation_id = c.id AND m.direction = 'in'
  WHERE c.tenant_id = :tenant AND c.creator_id = :creator AND c.kind = 'private'
  GROUP BY c.fan_id HAVING min(m.at) >= :since
), bought AS (
  SELECT t.fan_id, min(t.occurred_at) AS at FROM ledger_transactions t
  WHERE t.tenant_id = :tenant AND t.creator_id = :creator AND t.kind = 'sale'
    AND t.fan_id IS NOT NULL GROUP BY t.fan_id
)
SELECT f.fan_id, f.at AT TIME ZONE :zone AS first_at,
  count(m.*) FILTER (WHERE m.direction = 'in') AS heard,
  count(m.*) FILTER (WHERE m.direction = 'out') AS sent,
  coalesce(avg(length(m.body)) FILTER (WHERE m.direction = 'in'), 0) AS length,
  b.at AS bought_at, f.at AS instant
FROM firsts f LEFT JOIN bought b ON b.fan_id = f.fan_id
JOIN conversations c ON c.tenant_id = :tenant AND c.fan_id = f.fan_id AND c.kind = 'private'
LEFT JOIN messages m ON m.tenant_id = :tenant AND m.conversation_id = c.id
  AND m.at >= f.at AND m.at < least(f.at + :observed, coalesce(b.at, 'infinity'))
WHERE b.at IS NULL OR b.at >= f.at
GROUP BY f.fan_id, f.at, b.at ORDER BY f.at, f.fan_id
"""


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
