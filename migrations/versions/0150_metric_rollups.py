"""Rollups of metrics per post, account and creator; a queue of posts whose readings changed; days
whose only movement is a fee or a refund."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import (
    flag,
    inside,
    instant,
    number,
    tenant_table,
    text,
    unique,
    uuid_column,
)

revision = "0150"
down_revision = "0149"
branch_labels = None
depends_on = None

_MARK = """
CREATE FUNCTION mark_changed_metrics() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Ordered, so that two transactions never wait for each other.
  INSERT INTO metric_changes (tenant_id, id, creator_id, delivery_id)
  SELECT tenant_id, gen_random_uuid(), creator_id, delivery_id FROM (
    SELECT DISTINCT tenant_id, creator_id, delivery_id FROM changed_rows ORDER BY delivery_id
  ) AS changed ON CONFLICT (tenant_id, delivery_id) DO UPDATE SET updated_at = house_now();
  RETURN NULL;
END $$
"""
"""An existing row is updated: its lock makes a running rebuild and this reading wait for each other,
so that the reading is never missed."""

_MARK_LEDGER = """
CREATE FUNCTION mark_ledger_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- No unique key: concurrent sales must not wait for each other.
  INSERT INTO ledger_changes (tenant_id, id, creator_id, occurred_at)
  SELECT tenant_id, gen_random_uuid(), creator_id, quarter FROM (
    SELECT DISTINCT tenant_id, creator_id,
      date_bin(interval '15 minutes', occurred_at, timestamptz '2000-01-01 00:00+00') AS quarter
    FROM booked_rows) AS booked;
  RETURN NULL;
END $$
"""
"""Every time zone is a multiple of 15 minutes from UTC, so a quarter of an hour has one local day."""

# A zone that PostgreSQL does not know must not stop the update: its days are added by the rollups.
_MISSING_DAYS = """
INSERT INTO sales_daily (tenant_id, id, creator_id, day, currency, orders, gross_minor,
  refunds_minor, creator_minor, agency_minor, staff_minor, others_minor, fees_minor)
SELECT t.tenant_id, gen_random_uuid(), t.creator_id,
  CAST(t.occurred_at AT TIME ZONE c.zone AS date) AS day, e.currency,
  count(*) FILTER (WHERE e.account = 'sales'),
  coalesce(-sum(e.amount_minor) FILTER (WHERE e.account = 'sales'), 0),
  coalesce(sum(e.amount_minor) FILTER (WHERE e.account = 'refunds'), 0),
  coalesce(-sum(e.amount_minor) FILTER (WHERE e.account = 'creator_due'), 0),
  coalesce(-sum(e.amount_minor) FILTER (WHERE e.account = 'agency_due'), 0),
  coalesce(-sum(e.amount_minor) FILTER (WHERE e.account = 'chatter_due'), 0),
  coalesce(-sum(e.amount_minor) FILTER (WHERE e.account LIKE 'party_due:%'), 0),
  coalesce(sum(e.amount_minor) FILTER (WHERE e.account = 'platform_fee'), 0)
FROM ledger_transactions t JOIN creators c ON c.tenant_id = t.tenant_id AND c.id = t.creator_id
JOIN pg_timezone_names z ON z.name = c.zone
JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
WHERE t.kind IN ('sale', 'split', 'commission', 'refund', 'fee')
GROUP BY t.tenant_id, t.creator_id, day, e.currency
HAVING bool_or(e.account IN ('sales', 'refunds', 'platform_fee'))
ON CONFLICT (tenant_id, creator_id, day, currency) DO NOTHING
"""

_READ = ("sales_daily", "ledger_transactions", "ledger_entries", "creators", "metric_snapshots")


def upgrade() -> None:
    op.add_column(
        "metric_snapshots", sa.Column("native_id", sa.String(), nullable=False, server_default="")
    )
    _create_tables()
    for table in (*_READ, "metric_changes"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_MISSING_DAYS)
    # The days of existing readings are built after the update, in the background.
    op.execute(
        "INSERT INTO metric_changes (tenant_id, id, creator_id, delivery_id)"
        " SELECT DISTINCT ON (tenant_id, delivery_id) tenant_id, gen_random_uuid(), creator_id,"
        " delivery_id FROM metric_snapshots WHERE value IS NOT NULL"
    )
    for table in (*_READ, "metric_changes"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(_MARK)
    op.execute(_MARK_LEDGER)
    op.execute(
        "CREATE TRIGGER mark_booked AFTER INSERT ON ledger_transactions"
        " REFERENCING NEW TABLE AS booked_rows FOR EACH STATEMENT"
        " EXECUTE FUNCTION mark_ledger_changes()"
    )
    for change in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER mark_{change.lower()} AFTER {change} ON metric_snapshots"
            " REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT"
            " EXECUTE FUNCTION mark_changed_metrics()"
        )


def _day() -> sa.Column:
    return sa.Column("day", sa.Date(), nullable=False)


def _create_tables() -> None:
    tenant_table(
        "metric_changes",
        uuid_column("creator_id"),
        uuid_column("delivery_id"),
        inside("creator_id", "creators"),
        unique("metric_changes_once", "delivery_id"),
    )
    tenant_table(
        "post_days",
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        uuid_column("delivery_id"),
        _day(),
        text("metric"),
        number("value", big=True),
        flag("interpolated"),
        inside("creator_id", "creators"),
        unique("post_days_once", "delivery_id", "day", "metric"),
    )
    op.create_index(
        "post_days_of_channel",
        "post_days",
        ["tenant_id", "channel_id", "day", "metric"],
        postgresql_include=["value", "interpolated"],
    )
    interpolated = flag("interpolated")
    interpolated.server_default = sa.DefaultClause("false")
    tenant_table(
        "channel_days",
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        _day(),
        text("metric"),
        number("value", big=True),
        interpolated,
        inside("creator_id", "creators"),
        inside("channel_id", "channels"),
        unique("channel_days_once", "creator_id", "day", "metric", "channel_id"),
    )
    tenant_table(
        "post_latest",
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        uuid_column("delivery_id"),
        text("metric"),
        number("value", big=True),
        number("before_tracking", big=True),
        number("earlier_epochs", big=True),
        instant("observed_at"),
        inside("creator_id", "creators"),
        unique("post_latest_once", "delivery_id", "metric"),
    )
    op.create_index(
        "post_latest_top", "post_latest", ["tenant_id", "creator_id", "metric", "value"]
    )
    tenant_table(
        "creator_facts",
        uuid_column("creator_id"),
        _day(),
        text("metric"),
        text("currency"),
        sa.Column("value", sa.Numeric(20, 4), nullable=False),
        inside("creator_id", "creators"),
        unique("creator_facts_once", "creator_id", "day", "metric", "currency"),
    )
    tenant_table(
        "ledger_changes",
        uuid_column("creator_id"),
        instant("occurred_at"),
        inside("creator_id", "creators"),
    )
    op.create_index("ledger_changes_of_creator", "ledger_changes", ["tenant_id", "creator_id"])
    tenant_table(
        "rollup_statuses",
        uuid_column("creator_id"),
        text("zone"),
        sa.Column("verified_on", sa.Date(), nullable=True),
        inside("creator_id", "creators"),
        unique("rollup_statuses_once", "creator_id"),
    )


def downgrade() -> None:
    for change in ("insert", "update"):
        op.execute(f"DROP TRIGGER mark_{change} ON metric_snapshots")
    op.execute("DROP FUNCTION mark_changed_metrics()")
    for name in (
        *("rollup_statuses", "creator_facts", "post_latest", "channel_days"),
        *("post_days", "metric_changes"),
    ):
        op.drop_table(name)
    op.drop_column("metric_snapshots", "native_id")
    op.execute("DROP TRIGGER mark_booked ON ledger_transactions")
    op.execute("DROP FUNCTION mark_ledger_changes()")
    op.drop_table("ledger_changes")
