"""Sales as the ledger books them: one row for each sale, refund and fee, with the orders that were
not paid yet.

A period covers the same days for every creator, each in the creator's time zone, as the months of
the accounting do. The rows of a period therefore sum up to the ledger of that period, to the minor
unit. Amounts of different currencies are never added.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Result

from channels.accounts.queries import list_channels
from foundation.csv_tables import CsvCell, render_csv_table
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.money import Money
from foundation.ops.wall_time import day_bounds
from subscribers.conversations.states import AWAITING_ORDER_STATES, UNPAID_ORDER_STATES
from subscribers.ledger import entries
from subscribers.rails import installed_rails
from subscribers.statements import file_reader
from tenants.agencies.queries import Creator

SALES_PER_PAGE = 50
MAX_DAYS = 366
"""Maximum length of a period in days."""

MAX_SEARCH = 60
"""Maximum number of characters of a search."""

_STATEMENT = entries.rail_ledger_account(file_reader.STATEMENT_RAIL, "")


class SaleState(StrEnum):
    """States of a row. `refund` and `fee` are rows of their own; a sale that was returned in full
    is `refunded`. `awaiting` and `lapsed` are orders without a payment, and have no amounts."""

    PAID = "paid"
    DELIVERED = "delivered"
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    REFUND = "refund"
    FEE = "fee"
    AWAITING = "awaiting"
    LAPSED = "lapsed"


class SaleSort(StrEnum):
    """Columns by which the table can be sorted."""

    AT = "at"
    CREATOR = "creator"
    FAN = "fan"
    PACK = "pack"
    CHANNEL = "channel"
    GROSS = "gross"
    FEE = "fee"
    NET = "net"
    STATE = "state"


@dataclass(frozen=True)
class SaleFilter:
    """A period, both days included, and what its rows must have in common.

    `channel` is the ID of an account, or the name of a platform that is known from statements only.
    `search` matches titles, and the names and handles of fans if `sees_fans`. Without a `state`,
    orders that lapsed are left out.
    """

    creators: tuple[Creator, ...]
    first: date
    last: date
    channel: str = ""
    pack_id: UUID | None = None
    state: SaleState | None = None
    search: str = ""
    sees_fans: bool = True

    @property
    def days(self) -> list[date]:
        """Return the days of the period, earliest first."""
        length = (self.last - self.first).days + 1
        return [self.first + timedelta(days=number) for number in range(length)]

    @property
    def is_filtered(self) -> bool:
        """Return True if the rows have more in common than creators and a period."""
        return bool(self.channel or self.pack_id or self.state or self.search)

    @property
    def previous(self) -> tuple[date, date]:
        """Return the first and last day of the period of the same length before this one."""
        return self.first - timedelta(days=len(self.days)), self.first - timedelta(days=1)


@dataclass(frozen=True)
class SaleRow:
    """A row of the table, with `gross - fee == net`. Refunds and returned fees are negative.

    `price` is what an unpaid order would cost. `channel` is the name of an account, or of the
    platform of a statement. `zone` is the creator's time zone.
    """

    id: UUID
    at: datetime
    zone: str
    creator_id: UUID
    creator: str
    fan_id: UUID | None
    fan: str
    title: str
    channel: str
    state: SaleState
    gross: Money
    fee: Money
    net: Money
    price: Money
    order_id: UUID | None


SaleCursor = tuple[object, ...]
"""The position of a row in the sorted table: the values that it is sorted by, and its ID."""


@dataclass(frozen=True)
class SalesPage:
    """Rows of the table in its order. `following` is the position of the next page, or None."""

    rows: Sequence[SaleRow]
    following: SaleCursor | None


@dataclass(frozen=True)
class DayOfSales:
    """Sums of one day and currency in minor units. `rows` counts all rows, `orders` the sales."""

    day: date
    currency: str
    rows: int
    orders: int
    gross_minor: int
    refunds_minor: int
    fees_minor: int

    @property
    def net_minor(self) -> int:
        """Return gross minus refunds and fees."""
        return self.gross_minor - self.refunds_minor - self.fees_minor


@dataclass(frozen=True)
class PeriodSales:
    """Sums of a period in one currency. `before` is the net amount of the preceding period of the
    same length; `days` and `days_before` are the sums of each day with sales."""

    gross: Money
    refunds: Money
    fees: Money
    net: Money
    before: Money
    orders: int
    days: Mapping[date, DayOfSales]
    days_before: Mapping[date, DayOfSales]

    @property
    def currency(self) -> str:
        """Return the currency of all amounts."""
        return self.net.currency


@dataclass(frozen=True)
class BuyerCounts:
    """Fans who bought in a period: for the first time ever, or again."""

    new: int = 0
    returning: int = 0


@dataclass(frozen=True)
class SalesSummary:
    """The sums of a filtered table: the number of its rows, and one item for each currency, the
    one with most sales first."""

    rows: int
    currencies: Sequence[PeriodSales]


_PERIODS = """
WITH periods AS (SELECT * FROM unnest(CAST(:creators AS uuid[]), CAST(:names AS text[]),
    CAST(:zones AS text[]), CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]))
    AS p (creator_id, creator, zone, since, until))
"""

_SUMS = """,
  booked AS MATERIALIZED (
    SELECT t.creator_id, t.occurred_at AS at, e.currency,
      count(*) FILTER (WHERE e.account = 'sales') AS orders,
      -sum(e.amount_minor) FILTER (WHERE e.account = 'sales') AS gross,
      sum(e.amount_minor) FILTER (WHERE e.account = 'refunds') AS refunds,
      sum(e.amount_minor) FILTER (WHERE e.account = 'platform_fee') AS fees
    FROM ledger_transactions t JOIN ledger_entries e ON e.tenant_id = :tenant
      AND e.transaction_id = t.id AND e.account IN ('sales', 'refunds', 'platform_fee')
    WHERE t.tenant_id = :tenant AND t.creator_id = ANY(:creators)
      AND t.kind IN ('sale', 'refund', 'fee')
      AND t.occurred_at >= :earliest AND t.occurred_at < :latest
    GROUP BY t.creator_id, t.source_key, t.occurred_at, e.currency,
      CASE t.source_kind WHEN 'statement_fee' THEN 'payment' ELSE t.source_kind END
  )
SELECT day, currency, count(*) AS rows, sum(orders) AS orders, coalesce(sum(gross), 0) AS gross,
  coalesce(sum(refunds), 0) AS refunds, coalesce(sum(fees), 0) AS fees
FROM (
  SELECT CAST(b.at AT TIME ZONE p.zone AS date) AS day, b.currency, b.orders, b.gross, b.refunds,
    b.fees
  FROM periods p JOIN booked b ON b.creator_id = p.creator_id
    AND b.at >= p.since AND b.at < p.until
  UNION ALL
  SELECT CAST(o.created_at AT TIME ZONE p.zone AS date), o.currency, 0, 0, 0, 0
  FROM periods p JOIN orders o ON o.tenant_id = :tenant AND o.creator_id = p.creator_id
    AND o.created_at >= p.since AND o.created_at < p.until
    AND o.creator_id = ANY(:creators) AND o.created_at >= :earliest AND o.created_at < :latest
    AND o.state = ANY(:awaiting)
) AS found GROUP BY day, currency
"""
"""The sums of the whole table, read from the ledger alone: with 100,000 sales, the joins that
filters need took ten times as long."""

_ROWS = """,
  accounts AS (SELECT * FROM unnest(CAST(:accounts AS text[]), CAST(:account_channels AS uuid[]))
    AS a (account, channel_id)),
  channel_names AS (SELECT * FROM unnest(CAST(:channels AS uuid[]), CAST(:channel_names AS text[]))
    AS c (channel_id, channel)),
  transactions AS (
    SELECT t.id, t.kind, t.source_kind, t.source_key, t.fan_id, t.occurred_at, p.creator_id,
      p.creator, p.zone
    FROM periods p JOIN ledger_transactions t ON t.tenant_id = :tenant
      AND t.creator_id = p.creator_id AND t.kind IN ('sale', 'refund', 'fee')
      AND t.occurred_at >= p.since AND t.occurred_at < p.until
      AND t.creator_id = ANY(:creators) AND t.occurred_at >= :earliest AND t.occurred_at < :latest
    /* newest transactions */
  ),
  unpaid AS (
    SELECT o.*, p.creator, p.zone FROM periods p JOIN orders o ON o.tenant_id = :tenant
      AND o.creator_id = p.creator_id AND o.created_at >= p.since AND o.created_at < p.until
      AND o.creator_id = ANY(:creators) AND o.created_at >= :earliest AND o.created_at < :latest
      AND o.state = ANY(:unpaid)
      AND (CAST(:state AS text) <> '' OR o.state = ANY(:awaiting))
    /* newest orders */
  ),
  booked AS (
    SELECT (array_agg(t.id ORDER BY t.kind = 'fee', t.id))[1] AS id,
      min(t.kind) FILTER (WHERE t.kind <> 'fee') AS kind, t.creator_id, t.creator, t.zone,
      t.source_key, t.occurred_at AS at,
      (array_agg(t.fan_id) FILTER (WHERE t.fan_id IS NOT NULL))[1] AS fan_id, e.currency,
      coalesce(-sum(e.amount_minor) FILTER (WHERE e.account IN ('sales', 'refunds')), 0) AS gross,
      coalesce(sum(e.amount_minor) FILTER (WHERE e.account = 'platform_fee'), 0) AS fee,
      max(e.account) FILTER (WHERE e.account LIKE 'rail:%') AS account,
      CASE WHEN t.source_key ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        THEN CAST(t.source_key AS uuid) END AS payment_id
    FROM transactions t
    JOIN ledger_entries e ON e.tenant_id = :tenant AND e.transaction_id = t.id
    GROUP BY t.creator_id, t.creator, t.zone, t.source_key, t.occurred_at, e.currency,
      CASE t.source_kind WHEN 'statement_fee' THEN 'payment' ELSE t.source_kind END
  ),
  named AS (
    SELECT b.id, b.at, b.zone, b.creator_id, b.creator, b.currency, b.gross, b.fee, 0 AS price,
      coalesce(b.fan_id, p.fan_id, o.fan_id) AS fan_id, coalesce(o.title, s.title, '') AS title,
      o.id AS order_id, o.pack_id, coalesce(p.channel_id, w.channel_id, a.channel_id)
        AS channel_id,
      CASE WHEN b.account LIKE :source_prefix || '%'
        THEN substr(b.account, length(:source_prefix) + 1)
        ELSE coalesce(split_part(b.account, ':', 3), '') END AS source,
      CASE WHEN b.kind IS NULL THEN 'fee' WHEN b.kind = 'refund' THEN 'refund'
        WHEN r.state = 'done' OR o.state = 'refunded' THEN 'refunded'
        WHEN r.state = 'asked' OR o.state = 'refund_pending' THEN 'refund_pending'
        WHEN o.state = 'disputed' THEN 'disputed' WHEN o.state = 'fulfilled' THEN 'delivered'
        ELSE 'paid' END AS state
    FROM booked b
    LEFT JOIN payments p ON p.tenant_id = :tenant AND p.id = b.payment_id
    LEFT JOIN statement_lines l ON l.tenant_id = :tenant AND l.ledger_key = b.source_key
    LEFT JOIN statements w ON w.tenant_id = :tenant AND w.id = l.statement_id
    LEFT JOIN LATERAL (SELECT d.order_id FROM drafts d WHERE d.tenant_id = :tenant
      AND d.channel_id = w.channel_id AND d.native_id = l.paid_for AND d.kind = 'locked'
      LIMIT 1) d ON l.paid_for <> ''
    LEFT JOIN orders o ON o.tenant_id = :tenant AND o.id = coalesce(p.order_id, d.order_id)
    LEFT JOIN subscription_months m ON m.tenant_id = :tenant AND m.payment_id = b.payment_id
    LEFT JOIN subscriptions s ON s.tenant_id = :tenant AND s.id = m.subscription_id
    LEFT JOIN refunds r ON r.tenant_id = :tenant AND r.payment_id = b.payment_id
    LEFT JOIN accounts a ON a.account = b.account
    UNION ALL
    SELECT o.id, o.created_at, o.zone, o.creator_id, o.creator, o.currency, 0, 0, o.amount_minor,
      o.fan_id, o.title, o.id, o.pack_id, o.channel_id, '',
      CASE WHEN o.state = ANY(:awaiting) THEN 'awaiting' ELSE 'lapsed' END
    FROM unpaid o
  ),
  found AS (
    SELECT n.*, n.gross - n.fee AS net, coalesce(f.display_name, '') AS fan,
      coalesce(c.channel, n.source) AS channel
    FROM named n LEFT JOIN fans f ON f.tenant_id = :tenant AND f.id = n.fan_id
    LEFT JOIN channel_names c ON c.channel_id = n.channel_id
    WHERE CASE WHEN CAST(:state AS text) = '' THEN n.state <> 'lapsed' ELSE n.state = :state END
      AND (CAST(:pack AS uuid) IS NULL OR n.pack_id = :pack)
      AND (CAST(:channel AS text) = '' OR CAST(n.channel_id AS text) = :channel
        OR n.channel_id IS NULL AND n.source = :channel)
      AND (CAST(:like AS text) = '' OR n.title ILIKE :like OR :sees_fans AND (
        f.display_name ILIKE :like OR EXISTS (SELECT FROM fan_identities i
          WHERE i.tenant_id = :tenant AND i.fan_id = n.fan_id AND i.handle ILIKE :like)))
  )
"""
"""The rows of a period. A group of transactions is one row: a sale or refund with the fee that was
booked with it at the same time, or a fee alone."""

_FILTERED_SUMS = """
SELECT CAST(at AT TIME ZONE zone AS date) AS day, currency, count(*) AS rows,
  count(*) FILTER (WHERE state NOT IN ('refund', 'fee', 'awaiting', 'lapsed')) AS orders,
  coalesce(sum(gross) FILTER (WHERE state <> 'refund'), 0) AS gross,
  coalesce(-sum(gross) FILTER (WHERE state = 'refund'), 0) AS refunds,
  coalesce(sum(fee), 0) AS fees
FROM found GROUP BY 1, 2
"""

_KEYS: Mapping[SaleSort, tuple[tuple[str, str], ...]] = {
    SaleSort.AT: (("at", "timestamptz"),),
    SaleSort.CREATOR: (("lower(creator)", "text"), ("at", "timestamptz")),
    SaleSort.FAN: (("lower(fan)", "text"), ("at", "timestamptz")),
    SaleSort.PACK: (("lower(title)", "text"), ("at", "timestamptz")),
    SaleSort.CHANNEL: (("lower(channel)", "text"), ("at", "timestamptz")),
    SaleSort.GROSS: (("currency", "text"), ("gross", "bigint")),
    SaleSort.FEE: (("currency", "text"), ("fee", "bigint")),
    SaleSort.NET: (("currency", "text"), ("net", "bigint")),
    SaleSort.STATE: (("state", "text"), ("at", "timestamptz")),
}
"""Expressions that each column is sorted by, and their types. Amounts are compared within their
currency."""


def check_period(first: date, last: date) -> None:
    """Raise BadInput for a period that ends before it starts or is longer than `MAX_DAYS`."""
    if last < first:
        raise BadInput("sales.period_reversed")
    if (last - first).days >= MAX_DAYS:
        raise BadInput("sales.period_too_long", most=MAX_DAYS)


def list_sales(
    scope: Scope,
    asked: SaleFilter,
    *,
    sort: SaleSort = SaleSort.AT,
    descending: bool = True,
    after: SaleCursor | None = None,
    limit: int | None = SALES_PER_PAGE,
) -> SalesPage:
    """Return the rows after a position, in the order of a column. Without a limit, return all.

    Raises BadInput for an invalid period.
    """
    keys = (*_KEYS[sort], ("id", "uuid"))
    way = "DESC" if descending else "ASC"
    named = [expression for expression, _ in keys]
    order = ", ".join(f"{one} {way}" for one in named)
    values = ", ".join(f"CAST(:key{at} AS {kind})" for at, (_, kind) in enumerate(keys))
    position = f"({', '.join(named)}) {'<' if descending else '>'} ({values})"
    picked = ", ".join(f"{one} AS key{at}" for at, one in enumerate(named))
    table = _limited_table(asked, sort, descending=descending, after=after, limit=limit)
    rows = scope.run(
        f"{table} SELECT *, {picked} FROM found"  # noqa: S608  our own expressions
        f" WHERE {'true' if after is None else position} ORDER BY {order} LIMIT :limit",
        **_parameters(scope, asked, asked.first, asked.last),
        **{f"key{at}": value for at, value in enumerate(after or ())},
        limit=None if limit is None else limit + 1,
    ).all()
    more = limit is not None and len(rows) > limit
    shown = rows[:limit] if limit is not None else rows
    following = tuple(getattr(shown[-1], f"key{at}") for at in range(len(keys))) if more else None
    return SalesPage([_row_from(row) for row in shown], following)


def _limited_table(
    asked: SaleFilter,
    sort: SaleSort,
    *,
    descending: bool,
    after: SaleCursor | None,
    limit: int | None,
) -> str:
    """Return the common table expressions of the rows. For an unfiltered table by date, they read
    only the transactions and orders that a page can show: a row has two transactions at most."""
    table = _PERIODS + _ROWS
    if sort is not SaleSort.AT or limit is None or asked.is_filtered:
        return table
    way = "DESC" if descending else "ASC"
    for mark, column in (("transactions", "t.occurred_at"), ("orders", "o.created_at")):
        start = f"AND {column} {'<=' if descending else '>='} :key0" if after else ""
        order = f"ORDER BY {column} {way} FETCH FIRST {2 * (limit + 1)} ROWS WITH TIES"
        table = table.replace(f"/* newest {mark} */", f"{start} {order}")
    return table


def sum_sales(scope: Scope, asked: SaleFilter) -> SalesSummary:
    """Return the sums of the filtered table and of the preceding period of the same length.

    Raises BadInput for an invalid period.
    """
    days = _list_days(scope, asked, asked.previous[0])
    inside = [one for one in days if one.day >= asked.first]
    currencies = sorted(
        {one.currency for one in days if one.orders or one.refunds_minor or one.fees_minor},
        key=lambda currency: (
            -sum(one.orders for one in inside if one.currency == currency),
            currency,
        ),
    )
    return SalesSummary(
        sum(one.rows for one in inside),
        [_sum_currency(days, currency, asked.first) for currency in currencies],
    )


def load_sales_days(scope: Scope, asked: SaleFilter) -> dict[str, dict[date, DayOfSales]]:
    """Return the sums of each day of the filtered table by currency. Raises BadInput for an invalid
    period."""
    found: dict[str, dict[date, DayOfSales]] = {}
    for one in _list_days(scope, asked, asked.first):
        found.setdefault(one.currency, {})[one.day] = one
    return found


def _list_days(scope: Scope, asked: SaleFilter, first: date) -> list[DayOfSales]:
    """Return the sums of the days from `first` to the last of the filtered table."""
    statement = _PERIODS + (_ROWS + _FILTERED_SUMS if asked.is_filtered else _SUMS)
    rows = scope.run(statement, **_parameters(scope, asked, first, asked.last))
    return [DayOfSales(row.day, row.currency, *(int(value) for value in row[2:])) for row in rows]


def _sum_currency(days: Sequence[DayOfSales], currency: str, first: date) -> PeriodSales:
    mine = {one.day: one for one in days if one.currency == currency}
    inside = {day: one for day, one in mine.items() if day >= first}
    before = {day: one for day, one in mine.items() if day < first}
    return PeriodSales(
        gross=Money(sum(one.gross_minor for one in inside.values()), currency),
        refunds=Money(sum(one.refunds_minor for one in inside.values()), currency),
        fees=Money(sum(one.fees_minor for one in inside.values()), currency),
        net=Money(sum(one.net_minor for one in inside.values()), currency),
        before=Money(sum(one.net_minor for one in before.values()), currency),
        orders=sum(one.orders for one in inside.values()),
        days=inside,
        days_before=before,
    )


def query_sales(scope: Scope, asked: SaleFilter, statement: str, **named: object) -> Result[Any]:
    """Return the result of a statement that reads the rows of the filtered table from `found`.

    It is for other modules of this package; `found` has the columns of `_ROWS`. Raises BadInput for
    an invalid period.
    """
    parameters = _parameters(scope, asked, asked.first, asked.last)
    found: Result[Any] = scope.run(_PERIODS + _ROWS + statement, **parameters, **named)
    return found


def list_sources(scope: Scope, creators: Sequence[UUID]) -> list[str]:
    """Return the platforms that are known from imported statement files only."""
    rows = scope.run(
        "SELECT DISTINCT source FROM statements WHERE tenant_id = :tenant"
        " AND creator_id = ANY(:creators) AND channel_id IS NULL ORDER BY source",
        tenant=scope.tenant_id,
        creators=list(creators),
    )
    return list(rows.scalars())


def count_buyers(
    scope: Scope, creators: Sequence[Creator], first: date, last: date
) -> Mapping[UUID, BuyerCounts]:
    """Return the fans who bought in a period, by creator; creators without buyers are absent.
    Sales without a known fan are not counted.

    Raises BadInput for an invalid period.
    """
    check_period(first, last)
    rows = scope.run(
        "SELECT b.creator_id, count(*) FILTER (WHERE NOT b.earlier) AS new_buyers,"
        " count(*) FILTER (WHERE b.earlier) AS returning_buyers FROM ("
        "  SELECT p.creator_id, t.fan_id, EXISTS (SELECT FROM ledger_transactions e"
        "   WHERE e.tenant_id = :tenant AND e.fan_id = t.fan_id AND e.kind = 'sale'"
        "   AND e.occurred_at < p.since) AS earlier"
        "  FROM unnest(CAST(:creators AS uuid[]), CAST(:since AS timestamptz[]),"
        "   CAST(:until AS timestamptz[])) AS p (creator_id, since, until)"
        "  JOIN ledger_transactions t ON t.tenant_id = :tenant AND t.creator_id = p.creator_id"
        "   AND t.occurred_at >= p.since AND t.occurred_at < p.until AND t.kind = 'sale'"
        "   AND t.creator_id = ANY(:creators) AND t.occurred_at >= :earliest"
        "   AND t.occurred_at < :latest"
        "   AND t.fan_id IS NOT NULL GROUP BY p.creator_id, p.since, t.fan_id) b"
        " GROUP BY b.creator_id",
        tenant=scope.tenant_id,
        **_period_parameters(creators, first, last),
    )
    return {row.creator_id: BuyerCounts(row.new_buyers, row.returning_buyers) for row in rows}


CSV_COLUMNS = (
    *("date", "time", "zone", "creator", "fan", "item", "channel", "state"),
    *("gross", "fee", "net", "currency", "order_id"),
)


def render_sales_csv(rows: Sequence[SaleRow], fan_labels: Mapping[UUID, str]) -> str:
    """Return the rows as CSV, with local times and amounts in whole units of their currency. It has
    the same columns in every language. `fan_labels` replaces the names of fans."""
    table: list[Sequence[CsvCell]] = [CSV_COLUMNS]
    for one in rows:
        local = one.at.astimezone(ZoneInfo(one.zone))
        fan = fan_labels.get(one.fan_id, "") if one.fan_id is not None else ""
        amounts = (one.gross.decimal, one.fee.decimal, one.net.decimal, one.net.currency)
        about = (f"{local:%Y-%m-%d}", f"{local:%H:%M:%S}", one.zone, one.creator, fan)
        order = str(one.order_id) if one.order_id is not None else ""
        table.append([*about, one.title, one.channel, str(one.state), *amounts, order])
    return render_csv_table(table)


def _parameters(scope: Scope, asked: SaleFilter, first: date, last: date) -> dict[str, object]:
    check_period(asked.first, asked.last)
    every = list_channels(scope)
    rails = installed_rails.rail_terms_by_platform()
    accounts = {
        entries.rail_ledger_account(rails[one.platform].name, one.account): one.id
        for one in every
        if one.platform in rails
    }
    return {
        "tenant": scope.tenant_id,
        **_period_parameters(asked.creators, first, last),
        "names": [one.name for one in asked.creators],
        "zones": [one.zone for one in asked.creators],
        "accounts": list(accounts),
        "account_channels": list(accounts.values()),
        "channels": [one.id for one in every],
        "channel_names": [one.name for one in every],
        "source_prefix": _STATEMENT,
        "state": str(asked.state or ""),
        "awaiting": sorted(AWAITING_ORDER_STATES),
        "unpaid": sorted(UNPAID_ORDER_STATES),
        "pack": asked.pack_id,
        "channel": _clean_text(asked.channel),
        "like": _like_pattern(asked.search),
        "sees_fans": asked.sees_fans,
    }


def _period_parameters(creators: Sequence[Creator], first: date, last: date) -> dict[str, object]:
    """Return the creators and the bounds of the period in the time zone of each."""
    since = [day_bounds(first, one.zone)[0] for one in creators]
    until = [day_bounds(last, one.zone)[1] for one in creators]
    return {
        "creators": [one.id for one in creators],
        "since": since,
        "until": until,
        # The planner cannot estimate a join with the bounds of each creator.
        "earliest": min(since),
        "latest": max(until),
    }


def _like_pattern(search: str) -> str:
    """Return the pattern that finds a text anywhere, or "" for an empty search."""
    text = " ".join(_clean_text(search).split())[:MAX_SEARCH]
    for sign in "\\%_":
        text = text.replace(sign, f"\\{sign}")
    return f"%{text}%" if text else ""


def _clean_text(text: str) -> str:
    """Return the text without control characters and surrogates, which PostgreSQL rejects."""
    return "".join(one for one in text if unicodedata.category(one) not in ("Cc", "Cs"))


def _row_from(row: Any) -> SaleRow:
    def money(minor: int) -> Money:
        return Money(int(minor), row.currency)

    return SaleRow(
        id=row.id,
        at=row.at,
        zone=row.zone,
        creator_id=row.creator_id,
        creator=row.creator,
        fan_id=row.fan_id,
        fan=row.fan,
        title=row.title,
        channel=row.channel,
        state=SaleState(row.state),
        gross=money(row.gross),
        fee=money(row.fee),
        net=money(row.net),
        price=money(row.price),
        order_id=row.order_id,
    )
