"""API costs by account and month, and the agency's cap."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, number, tenant_table, text, unique, uuid_column

revision = "0115"
down_revision = "0114"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "request_costs",
        uuid_column("channel_id"),
        text("platform"),
        text("month"),
        text("what"),
        number("many"),
        sa.Column("minor", sa.Numeric(14, 4), nullable=False),
        text("currency"),
        inside("channel_id", "channels"),
        unique("request_costs_once", "channel_id", "month", "what"),
    )
    tenant_table(
        "request_caps",
        text("platform"),
        text("currency"),
        number("minor", big=True),
        unique("request_caps_once", "platform"),
    )


def downgrade() -> None:
    op.drop_table("request_caps")
    op.drop_table("request_costs")
