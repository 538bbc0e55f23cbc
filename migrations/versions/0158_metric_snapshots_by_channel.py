"""Readings by account, age and metric; stored verdicts of tests of bot scripts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0158"
down_revision = "0157"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "metric_snapshots_channel",
        "metric_snapshots",
        ["tenant_id", "channel_id", "age_hours", "metric", "observed_at"],
        postgresql_include=["delivery_id", "value"],
    )
    op.add_column("script_tests", sa.Column("verdict", JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("script_tests", "verdict")
    op.drop_index("metric_snapshots_channel", "metric_snapshots")
