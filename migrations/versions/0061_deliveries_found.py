"""Indexes for deliveries near a time on an account, and for overdue ones."""

from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("deliveries_channel", "deliveries", ["tenant_id", "channel_id", "due_at"])
    op.drop_index("deliveries_state", "deliveries")
    op.create_index("deliveries_state", "deliveries", ["tenant_id", "state", "due_at"])


def downgrade() -> None:
    op.drop_index("deliveries_state", "deliveries")
    op.create_index("deliveries_state", "deliveries", ["tenant_id", "state", "deadline_at"])
    op.drop_index("deliveries_channel", "deliveries")
