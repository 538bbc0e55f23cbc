"""Metric readings and daily rollups."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, number, tenant_table, text, unique, uuid_column

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "metric_snapshots",
        uuid_column("creator_id"),
        uuid_column("delivery_id"),
        uuid_column("channel_id"),
        text("metric"),
        number("age_hours"),
        number("value", nullable=True, big=True),
        text("quality"),
        instant("observed_at"),
        inside("creator_id", "creators"),
        inside("delivery_id", "deliveries"),
        inside("channel_id", "channels"),
        unique("metric_snapshots_once", "delivery_id", "metric", "age_hours"),
    )
    op.create_index("metric_snapshots_day", "metric_snapshots", ["tenant_id", "creator_id", "observed_at"])
    tenant_table(
        "sales_daily",
        uuid_column("creator_id"),
        sa.Column("day", sa.Date(), nullable=False),
        text("currency"),
        number("orders"),
        *(number(f"{part}_minor", big=True) for part in ("gross", "refunds", "creator", "agency", "staff")),
        inside("creator_id", "creators"),
        unique("sales_daily_day", "creator_id", "day", "currency"),
    )
    tenant_table(
        "creator_daily",
        uuid_column("creator_id"),
        sa.Column("day", sa.Date(), nullable=False),
        number("published"),
        number("waiting"),
        number("troubled"),
        number("lateness_p95_ms", nullable=True),
        number("views", big=True),
        number("interactions", big=True),
        number("messages_in"),
        number("messages_out"),
        number("new_fans"),
        inside("creator_id", "creators"),
        unique("creator_daily_day", "creator_id", "day"),
    )
