"""Posts, deliveries, their state changes, approvals."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "posts",
        uuid_column("creator_id"),
        text("title"),
        text("body"),
        jsonb("media"),
        text("origin"),
        text("origin_key"),
        text("author"),
        uuid_column("author_principal", nullable=True),
        text("text_ai"),
        number("priority"),
        sa.Column("late_ok", sa.Interval(), nullable=True),
        text("digest"),
        number("version"),
        inside("creator_id", "creators"),
        unique("posts_origin", "origin", "origin_key"),
    )
    tenant_table(
        "deliveries",
        uuid_column("creator_id"),
        uuid_column("post_id"),
        uuid_column("channel_id"),
        text("state"),
        jsonb("reason", nullable=True),
        text("wall_time"),
        text("zone"),
        instant("due_at"),
        instant("late_until", nullable=True),
        instant("not_before", nullable=True),
        number("priority"),
        text("occurrence_key"),
        text("native_id", nullable=True),
        text("url", nullable=True),
        number("attempt"),
        instant("claimed_at", nullable=True),
        instant("deadline_at", nullable=True),
        instant("uncertain_since", nullable=True),
        instant("settled_at", nullable=True),
        number("version"),
        inside("creator_id", "creators"),
        inside("post_id", "posts"),
        inside("channel_id", "channels"),
        unique("deliveries_once", "post_id", "channel_id", "occurrence_key"),
        unique("deliveries_native", "channel_id", "native_id"),
        sa.CheckConstraint("late_until IS NULL OR due_at <= late_until", name="deliveries_late"),
    )
    op.create_index("deliveries_due", "deliveries", ["tenant_id", "creator_id", "due_at"])
    op.create_index("deliveries_state", "deliveries", ["tenant_id", "state", "deadline_at"])
    tenant_table(
        "delivery_moves",
        uuid_column("creator_id"),
        uuid_column("delivery_id"),
        text("before"),
        text("after"),
        text("by"),
        jsonb("reason", nullable=True),
        inside("creator_id", "creators"),
        inside("delivery_id", "deliveries"),
        append_only=True,
    )
    op.create_index("delivery_moves_story", "delivery_moves", ["tenant_id", "delivery_id", "created_at"])
    tenant_table(
        "approvals",
        uuid_column("creator_id"),
        uuid_column("post_id"),
        text("digest"),
        number("tier"),
        uuid_column("principal_id"),
        text("verdict"),
        text("note"),
        instant("expires_at"),
        inside("creator_id", "creators"),
        inside("post_id", "posts"),
        inside("principal_id", "principals"),
        append_only=True,
    )
    op.create_index("approvals_said", "approvals", ["tenant_id", "post_id", "digest"])
