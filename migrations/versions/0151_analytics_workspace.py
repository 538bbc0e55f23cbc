"""Analytics: goals of creators, annotations of charts and saved views of members."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import (
    audit_table,
    flag,
    inside,
    jsonb,
    number,
    stop_auditing,
    tenant_table,
    text,
    unique,
    uuid_column,
)

revision = "0151"
down_revision = "0150"
branch_labels = None
depends_on = None

AUDITED = {
    "analytics_goals": "month metric currency target",
    "analytics_annotations": "day",
    "analytics_views": "name is_shared",
}


def upgrade() -> None:
    tenant_table(
        "analytics_goals",
        uuid_column("creator_id"),
        sa.Column("month", sa.Date(), nullable=False),
        text("metric"),
        text("currency"),
        number("target", big=True),
        unique("analytics_goals_once", "creator_id", "month", "metric", "currency"),
        inside("creator_id", "creators"),
    )
    tenant_table(
        "analytics_annotations",
        uuid_column("creator_id", nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        text("text"),
        inside("creator_id", "creators"),
    )
    op.create_index("analytics_annotations_day", "analytics_annotations", ["tenant_id", "day"])
    tenant_table(
        "analytics_views",
        uuid_column("member_id"),
        text("name"),
        jsonb("parameters"),
        flag("is_shared"),
        unique("analytics_views_name", "member_id", "name"),
        inside("member_id", "members"),
    )
    for table, values in AUDITED.items():
        audit_table(table, values)


def downgrade() -> None:
    for table in reversed(AUDITED):
        stop_auditing(table)
        op.drop_table(table)
