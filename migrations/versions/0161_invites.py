"""Uses of Discord invites: the last counts of an account, and their increases."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, jsonb, number, tenant_table, unique, uuid_column

revision = "0161"
down_revision = "0160"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "invite_counts",
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        jsonb("uses"),
        instant("read_at"),
        unique("invite_counts_channel", "channel_id"),
    )
    tenant_table(
        "invite_joins",
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        uuid_column("link_id", nullable=True),
        number("joins"),
        instant("after"),
        instant("until"),
        inside("link_id", "acquisition_links"),
        sa.CheckConstraint("joins > 0", name="invite_joins_positive"),
    )
    op.create_index("invite_joins_time", "invite_joins", ["tenant_id", "channel_id", "until"])
    op.create_index("invite_joins_of_creator", "invite_joins", ["tenant_id", "creator_id", "until"])


def downgrade() -> None:
    op.drop_table("invite_joins")
    op.drop_table("invite_counts")
