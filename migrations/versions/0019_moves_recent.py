"""Index for recent state changes of deliveries by creator, which pages read every few seconds."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("delivery_moves_recent", "delivery_moves", ["tenant_id", "creator_id", "created_at"])


def downgrade() -> None:
    op.drop_index("delivery_moves_recent")
