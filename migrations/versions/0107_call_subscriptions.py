"""Webhook subscriptions of accounts: the status, the token used, and the time of the last call."""

from alembic import op

from migrations.tools import inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0107"
down_revision = "0106"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "call_subscriptions",
        uuid_column("channel_id"),
        text("state"),
        jsonb("reason", nullable=True),
        number("generation"),
        instant("due_at"),
        instant("called_at", nullable=True),
        inside("channel_id", "channels"),
        unique("call_subscriptions_channel", "channel_id"),
    )


def downgrade() -> None:
    op.drop_table("call_subscriptions")
