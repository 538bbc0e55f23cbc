"""Earnings reported by platforms: the progress of each read, and the ledger lines created from
them."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, number, tenant_table, text, unique, uuid_column

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("statements", sa.Column("channel_id", sa.UUID(), nullable=True))
    op.create_foreign_key(
        "statements_channel", "statements", "channels", ["tenant_id", "channel_id"], ["tenant_id", "id"]
    )
    tenant_table(
        "earning_readings",
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        text("source"),
        instant("begins_at"),
        instant("read_until"),
        instant("read_at", nullable=True),
        number("unread"),
        number("left_out"),
        number("gone"),
        inside("creator_id", "creators"),
        inside("channel_id", "channels"),
        unique("earning_readings_once", "channel_id"),
    )


def downgrade() -> None:
    op.drop_table("earning_readings")
    op.drop_constraint("statements_channel", "statements", type_="foreignkey")
    op.drop_column("statements", "channel_id")
