"""Amounts in currencies that were stored with two decimals but have another number of them.

They were stored in hundredths: 10000 KRW as 1,000,000. From now on they are stored in the minor
unit of the currency. The entries of a transaction are rounded together, so that it still balances.
"""

import hashlib
from collections import defaultdict
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

from foundation.canonical_json import canonical_json

revision = "0125"
down_revision = "0124"
branch_labels = None
depends_on = None

_NONE = (
    "ADP BIF BYR CLP DJF ESP GNF ISK ITL KMF KRW LUF MGF MRO PYG RWF STD TMM TRL UGX UYI VND VUV XAF"
    " XOF XPF ZMK ZWD"
)
_DIGITS = {
    **dict.fromkeys(_NONE.split(), 0),
    **dict.fromkeys(("IQD", "JOD", "LYD", "OMR"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""Number of decimals from ISO 4217 and CLDR of 2026; all other currencies have two."""

_COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns c
WHERE table_schema = current_schema() AND table_name <> 'ledger_entries'
  AND (column_name LIKE '%minor' OR table_name = 'creations' AND column_name = 'cost')
  AND EXISTS (SELECT FROM information_schema.columns o WHERE o.table_schema = c.table_schema
    AND o.table_name = c.table_name AND o.column_name = 'currency')
ORDER BY 1, 2
"""
_ENTRIES = """
SELECT tenant_id, id, transaction_id, currency, amount_minor FROM ledger_entries
WHERE currency = ANY(:codes) ORDER BY tenant_id, transaction_id, currency, id
"""
_CLOSED = """
SELECT m.tenant_id, m.id, m.creator_id, m.month, c.zone FROM month_closes m
JOIN creators c ON c.tenant_id = m.tenant_id AND c.id = m.creator_id
WHERE EXISTS (SELECT FROM ledger_entries e WHERE e.tenant_id = m.tenant_id
  AND e.creator_id = m.creator_id AND e.currency = ANY(:codes))
"""
_SPENT = """
UPDATE fan_facts f SET spent = coalesce((
  SELECT jsonb_object_agg(currency, minor) FROM (
    SELECT e.currency, -sum(e.amount_minor) AS minor
    FROM ledger_transactions t JOIN ledger_entries e
      ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
    WHERE t.tenant_id = f.tenant_id AND t.fan_id = f.fan_id AND e.account IN ('sales', 'refunds')
    GROUP BY e.currency) AS totals), '{}')
WHERE jsonb_exists_any(f.spent, :codes)
"""
_LINES = """
SELECT t.occurred_at, t.kind, t.source_kind, t.source_key, e.account, e.amount_minor, e.currency
FROM ledger_transactions t JOIN ledger_entries e
  ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
WHERE t.tenant_id = :tenant AND t.creator_id = :creator AND t.occurred_at >= :since
  AND t.occurred_at < :until
"""


def upgrade() -> None:
    _rescale(1)


def downgrade() -> None:
    _rescale(-1)


def _rescale(way: int) -> None:
    connection = op.get_bind()
    codes = {"codes": list(_DIGITS)}
    columns = [tuple(row) for row in connection.execute(sa.text(_COLUMNS))]
    tables = sorted({table for table, _ in columns} | {"ledger_entries", "ledger_transactions"})
    tables = [*tables, "month_closes", "creators", "fan_facts"]
    # the owner's connection has no tenant, so the rows of all agencies are visible at once
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    closed = [
        row for row in connection.execute(sa.text(_CLOSED), codes) if _is_intact(connection, row)
    ]
    for table, column in columns:
        for digits in sorted(set(_DIGITS.values())):
            factor = 10.0 ** (way * (digits - 2))
            connection.execute(
                sa.text(
                    f"UPDATE {table} SET {column} = {column} * CAST(:factor AS numeric)"
                    " WHERE currency = ANY(:codes)"
                ),
                {"factor": factor, "codes": [one for one in _DIGITS if _DIGITS[one] == digits]},
            )
    _rescale_entries(connection, way)
    connection.execute(sa.text(_SPENT), codes)
    for row in closed:
        connection.execute(
            sa.text("UPDATE month_closes SET digest = :digest WHERE tenant_id = :tenant AND id = :id"),
            {"digest": _digest(connection, row), "tenant": row.tenant_id, "id": row.id},
        )
    for table in tables:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _rescale_entries(connection: sa.Connection, way: int) -> None:
    """Scale the entries of each transaction. The rounding difference is distributed by largest
    remainder."""
    grouped = defaultdict(list)
    for row in connection.execute(sa.text(_ENTRIES), {"codes": list(_DIGITS)}):
        grouped[row.tenant_id, row.transaction_id, row.currency].append(row)
    for (tenant, _, currency), rows in grouped.items():
        power = way * (_DIGITS[currency] - 2)
        times, divisor = (10**power, 1) if power > 0 else (1, 10**-power)
        parts = [divmod(row.amount_minor * times, divisor) for row in rows]
        left = (sum(row.amount_minor for row in rows) * times - sum(n for n, _ in parts) * divisor)
        first = sorted(range(len(rows)), key=lambda place: (-parts[place][1], place))
        more = set(first[: left // divisor])
        for place, row in enumerate(rows):
            connection.execute(
                sa.text("UPDATE ledger_entries SET amount_minor = :n WHERE tenant_id = :t AND id = :id"),
                {"n": parts[place][0] + (place in more), "t": tenant, "id": row.id},
            )


def _is_intact(connection: sa.Connection, row: sa.Row) -> bool:
    """Return True if a closed month still has the lines that were closed. Only then may its digest
    be updated."""
    said = connection.execute(
        sa.text("SELECT digest FROM month_closes WHERE tenant_id = :tenant AND id = :id"),
        {"tenant": row.tenant_id, "id": row.id},
    ).scalar_one()
    return said == _digest(connection, row)


def _digest(connection: sa.Connection, row: sa.Row) -> str:
    """Compute the digest as `subscribers.ledger.month_close` does."""
    zone = ZoneInfo(row.zone)
    following = date(row.month.year + row.month.month // 12, row.month.month % 12 + 1, 1)
    since, until = (datetime.combine(day, time.min, tzinfo=zone) for day in (row.month, following))
    lines = connection.execute(
        sa.text(_LINES),
        {"tenant": row.tenant_id, "creator": row.creator_id, "since": since, "until": until},
    )
    told = sorted([one.occurred_at.astimezone(UTC).isoformat(), *one[1:]] for one in lines)
    return hashlib.sha256(canonical_json(told)).hexdigest()
