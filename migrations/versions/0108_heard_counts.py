"""Reaction counts that a platform reports by updates."""

from alembic import op

from migrations import tools

revision = "0108"
down_revision = "0107"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tools.tenant_table(
        "heard_counts",
        tools.uuid_column("channel_id"),
        tools.text("native_id"),
        tools.number("likes", big=True),
        tools.instant("at"),
        tools.number("number", big=True),
        tools.inside("channel_id", "channels"),
        tools.unique("heard_counts_once", "channel_id", "native_id"),
    )


def downgrade() -> None:
    op.drop_table("heard_counts")
