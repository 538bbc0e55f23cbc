"""Posting schedules of accounts, quiet periods, and shifts that can be undone."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _slots()
    _times_of_people()
    # The last publication of an account, the only query of a claim for accounts with a minimum
    # interval.
    op.create_index(
        "deliveries_left",
        "deliveries",
        ["tenant_id", "channel_id", "settled_at"],
        postgresql_where=sa.text("native_id IS NOT NULL"),
    )


def _slots() -> None:
    tenant_table(
        "slots",
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        number("weekday"),
        sa.Column("local_time", sa.Time(), nullable=False),
        text("zone"),
        number("jitter"),
        text("label"),
        inside("creator_id", "creators"),
        inside("channel_id", "channels"),
        unique("slots_once", "channel_id", "weekday", "local_time"),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name="slots_weekday"),
        sa.CheckConstraint("jitter BETWEEN 0 AND 120", name="slots_jitter"),
    )
    tenant_table(
        "slot_uses",
        uuid_column("creator_id"),
        uuid_column("slot_id"),
        sa.Column("local_date", sa.Date(), nullable=False),
        uuid_column("delivery_id"),
        text("wall_time"),
        text("zone"),
        inside("creator_id", "creators"),
        inside("slot_id", "slots"),
        inside("delivery_id", "deliveries"),
        unique("slot_uses_once", "slot_id", "local_date"),
        unique("slot_uses_delivery", "delivery_id"),
    )


def _times_of_people() -> None:
    """Create the tables of shifts that can be undone and of quiet periods; a pause is a quiet
    period with a shift."""
    tenant_table(
        "shifts",
        uuid_column("creator_id"),
        text("by"),
        jsonb("moved"),
        instant("undone_at", nullable=True),
        inside("creator_id", "creators"),
    )
    tenant_table(
        "quiet_periods",
        uuid_column("creator_id"),
        uuid_column("channel_id", nullable=True),
        text("label"),
        text("zone"),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        number("weekday", nullable=True),
        sa.Column("start_time", sa.Time(), nullable=True),
        sa.Column("end_time", sa.Time(), nullable=True),
        uuid_column("shift_id", nullable=True),
        inside("creator_id", "creators"),
        inside("channel_id", "channels"),
        inside("shift_id", "shifts"),
        sa.CheckConstraint(
            "(first_day IS NULL) = (last_day IS NULL) AND (start_time IS NULL) = (end_time IS NULL)"
            " AND (first_day IS NOT NULL OR start_time IS NOT NULL)",
            name="quiet_periods_whole",
        ),
    )
    op.create_index("quiet_periods_creator", "quiet_periods", ["tenant_id", "creator_id"])


def downgrade() -> None:
    op.drop_index("deliveries_left", "deliveries")
    for table in ("quiet_periods", "shifts", "slot_uses", "slots"):
        op.drop_table(table)
