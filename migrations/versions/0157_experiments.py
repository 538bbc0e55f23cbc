"""Tests of versions on several accounts, tests of bot scripts, and automatic slots."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tools import (
    audit_table,
    flag,
    inside,
    instant,
    jsonb,
    number,
    stop_auditing,
    tenant_table,
    text,
    unique,
    uuid_column,
)

revision = "0157"
down_revision = "0156"
branch_labels = None
depends_on = None

NEW_COLUMNS = {
    "post_tests": ("more_ids", "channels", "method"),
    "slots": ("automatic",),
}


def upgrade() -> None:
    for column in ("more_ids", "channels"):
        op.add_column("post_tests", sa.Column(column, JSONB(), nullable=False, server_default="[]"))
    op.add_column(
        "post_tests", sa.Column("method", sa.String(), nullable=False, server_default="fixed")
    )
    op.add_column(
        "slots", sa.Column("automatic", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    tenant_table(
        "timing_trials",
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        uuid_column("delivery_id"),
        text("wall_time"),
        flag("random"),
        unique("timing_trials_delivery", "delivery_id"),
        inside("delivery_id", "deliveries"),
    )
    op.create_index("timing_trials_channel", "timing_trials", ["tenant_id", "channel_id"])
    tenant_table(
        "script_tests",
        uuid_column("creator_id"),
        jsonb("personas"),
        text("metric"),
        text("method"),
        number("planned"),
        number("window_days"),
        text("currency"),
        sa.Column("cap_minor", sa.BigInteger(), nullable=True),
        text("by"),
        instant("ended_at", nullable=True),
        text("ended_by"),
        text("kept"),
        inside("creator_id", "creators"),
    )
    op.create_index(
        "script_tests_running",
        "script_tests",
        ["tenant_id", "creator_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    tenant_table(
        "script_test_fans",
        uuid_column("creator_id"),
        uuid_column("test_id"),
        uuid_column("fan_id"),
        text("variant"),
        instant("exposed_at"),
        unique("script_test_fans_fan", "test_id", "fan_id"),
        inside("test_id", "script_tests"),
    )
    audit_table("script_tests", "personas metric method planned window_days ended_at kept")


def downgrade() -> None:
    stop_auditing("script_tests")
    for table in ("script_test_fans", "script_tests", "timing_trials"):
        op.drop_table(table)
    for table, columns in NEW_COLUMNS.items():
        for column in columns:
            op.drop_column(table, column)
