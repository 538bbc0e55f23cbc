"""Sales as a table: statement lines know their transactions, days their fees and other parties'
shares, and a fan's transactions are found by index."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import number

revision = "0147"
down_revision = "0146"
branch_labels = None
depends_on = None

_KEYS = """
UPDATE statement_lines SET ledger_key = CAST(encode(set_byte(set_byte(digest, 6,
  get_byte(digest, 6) & 15 | 128), 8, get_byte(digest, 8) & 63 | 128), 'hex') AS uuid)::text
FROM (SELECT tenant_id AS tenant, id AS line, substring(sha256(convert_to(concat_ws(chr(31),
  tenant_id, creator_id, 'statement', line_key), 'UTF8')) FOR 16) AS digest
  FROM statement_lines) AS digests
WHERE tenant_id = tenant AND id = line
"""
"""The UUID that `foundation.ids.derived_uuid` returned when the line was booked."""

_DAYS = """
UPDATE sales_daily d SET others_minor = s.others, fees_minor = s.fees
FROM (SELECT t.tenant_id, t.creator_id, e.currency, CAST(t.occurred_at AT TIME ZONE c.zone AS date)
    AS day,
    coalesce(-sum(e.amount_minor) FILTER (WHERE e.account LIKE 'party_due:%'), 0) AS others,
    coalesce(sum(e.amount_minor) FILTER (WHERE e.account = 'platform_fee'), 0) AS fees
  FROM ledger_transactions t JOIN creators c ON c.tenant_id = t.tenant_id AND c.id = t.creator_id
  JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
  WHERE (e.account LIKE 'party_due:%' OR e.account = 'platform_fee')
    AND t.kind IN ('sale', 'split', 'commission', 'refund', 'fee')
  GROUP BY t.tenant_id, t.creator_id, e.currency, day) AS s
WHERE d.tenant_id = s.tenant_id AND d.creator_id = s.creator_id AND d.day = s.day
  AND d.currency = s.currency
"""

_READ = ("statement_lines", "sales_daily", "ledger_transactions", "ledger_entries", "creators")


def upgrade() -> None:
    op.add_column(
        "statement_lines", sa.Column("ledger_key", sa.String(), nullable=False, server_default="")
    )
    for name in ("others_minor", "fees_minor"):
        column = number(name, big=True)
        column.server_default = sa.DefaultClause("0")
        op.add_column("sales_daily", column)
    # the owner's connection has no tenant, so the rows of all agencies are filled at once
    for table in _READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_KEYS)
    op.execute(_DAYS)
    for table in _READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.create_index("orders_by_day", "orders", ["tenant_id", "creator_id", "created_at"])
    op.create_index("statement_lines_booked", "statement_lines", ["tenant_id", "ledger_key"])
    op.create_index(
        "ledger_of_fan", "ledger_transactions", ["tenant_id", "fan_id", "occurred_at"]
    )


def downgrade() -> None:
    op.drop_index("ledger_of_fan", "ledger_transactions")
    op.drop_index("orders_by_day", "orders")
    op.drop_index("statement_lines_booked", "statement_lines")
    for name in ("fees_minor", "others_minor"):
        op.drop_column("sales_daily", name)
    op.drop_column("statement_lines", "ledger_key")
