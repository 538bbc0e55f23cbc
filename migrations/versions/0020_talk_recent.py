"""Indexes for recent messages and payments of fans, which the home page reads every few seconds."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("messages_recent", "messages", ["tenant_id", "creator_id", "at"])
    op.create_index("payments_recent", "payments", ["tenant_id", "creator_id", "at"])


def downgrade() -> None:
    op.drop_index("payments_recent", "payments")
    op.drop_index("messages_recent", "messages")
