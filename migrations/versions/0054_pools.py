"""Evergreen queues: a pool per creator and its posts."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, jsonb, tenant_table, text, unique, uuid_column

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "pools",
        uuid_column("creator_id"),
        jsonb("channels"),
        text("label"),
        sa.Column("min_age", sa.Interval(), nullable=False),
        sa.Column("every", sa.Interval(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        flag("paused"),
        inside("creator_id", "creators"),
        unique("pools_once", "creator_id"),
    )
    tenant_table(
        "pool_entries",
        uuid_column("creator_id"),
        uuid_column("pool_id"),
        uuid_column("first_id"),
        jsonb("wordings"),
        flag("taken_out"),
        inside("creator_id", "creators"),
        inside("pool_id", "pools"),
        inside("first_id", "posts"),
        unique("pool_entries_once", "pool_id", "first_id"),
    )


def downgrade() -> None:
    for name in ("pool_entries", "pools"):
        op.drop_table(name)
