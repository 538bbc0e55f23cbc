"""Edits of live posts: requests, and the permit of each changed copy."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, jsonb, number, tenant_table, text, uuid_column

revision = "0098"
down_revision = "0097"
branch_labels = None
depends_on = None

OPEN = "state IN ('waiting', 'due', 'sending', 'refused', 'unsure')"


def upgrade() -> None:
    op.add_column("permits", uuid_column("edits", nullable=True))
    op.create_index("permits_edits", "permits", ["tenant_id", "edits"], postgresql_where=sa.text("edits IS NOT NULL"))
    tenant_table(
        "edits",
        uuid_column("creator_id"),
        uuid_column("post_id"),
        uuid_column("delivery_id"),
        uuid_column("channel_id"),
        text("state"),
        jsonb("reason", nullable=True),
        text("digest"),
        jsonb("before"),
        jsonb("after"),
        text("by"),
        number("attempt"),
        instant("until"),
        instant("deadline_at", nullable=True),
        instant("settled_at", nullable=True),
        number("version"),
        inside("creator_id", "creators"),
        inside("post_id", "posts"),
        inside("delivery_id", "deliveries"),
    )
    op.create_index("edits_post", "edits", ["tenant_id", "post_id"])
    op.create_index(
        "edits_open", "edits", ["tenant_id", "delivery_id"], unique=True, postgresql_where=sa.text(OPEN)
    )


def downgrade() -> None:
    op.drop_table("edits")
    op.drop_index("permits_edits", "permits")
    op.drop_column("permits", "edits")
