"""Transactions listed by platforms, once each, and the progress of each account's read."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, number, tenant_table, text, unique, uuid_column

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payments", sa.Column("recovered", sa.Boolean(), nullable=False, server_default=sa.false()))
    tenant_table(
        "rail_readings",
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        text("rail"),
        text("account"),
        number("position", big=True),
        number("unread"),
        instant("read_at", nullable=True),
        instant("deep_at", nullable=True),
        number("lies_minor", big=True, nullable=True),
        number("differs_minor", big=True),
        inside("creator_id", "creators"),
        inside("channel_id", "channels"),
        unique("rail_readings_once", "rail", "account"),
    )
    tenant_table(
        "rail_lines",
        uuid_column("creator_id"),
        text("rail"),
        text("account"),
        text("native_id"),
        flag("came"),
        text("kind"),
        number("amount_minor", big=True),
        number("nano"),
        text("currency"),
        number("beside_minor", big=True),
        text("payload"),
        instant("at"),
        inside("creator_id", "creators"),
        unique("rail_lines_once", "rail", "account", "native_id", "came"),
    )


def downgrade() -> None:
    op.drop_table("rail_lines")
    op.drop_table("rail_readings")
    op.drop_column("payments", "recovered")
