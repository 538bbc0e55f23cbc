"""Follower counts of accounts by day."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, number, tenant_table, unique, uuid_column

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "followers_daily",
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        sa.Column("day", sa.Date(), nullable=False),
        number("followers", big=True),
        instant("observed_at"),
        inside("creator_id", "creators"),
        inside("channel_id", "channels"),
        unique("followers_daily_day", "channel_id", "day"),
    )


def downgrade() -> None:
    op.drop_table("followers_daily")
