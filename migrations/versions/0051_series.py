"""Recurring posts: their rule, and the occurrence of each delivery."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "series",
        uuid_column("creator_id"),
        uuid_column("post_id"),
        number("nth"),
        jsonb("channels"),
        text("rule"),
        sa.Column("starts_on", sa.Date(), nullable=False),
        text("clock"),
        text("zone"),
        sa.Column("gap_min", sa.Interval(), nullable=False),
        jsonb("skipped"),
        text("state"),
        instant("next_extend_at", nullable=True),
        inside("post_id", "posts"),
        unique("series_nth", "post_id", "nth"),
    )
    op.create_index("series_creator", "series", ["tenant_id", "creator_id"])
    op.add_column("deliveries", uuid_column("series_id", nullable=True))
    op.create_foreign_key(None, "deliveries", "series", ["tenant_id", "series_id"], ["tenant_id", "id"])


def downgrade() -> None:
    op.drop_column("deliveries", "series_id")
    op.drop_table("series")
