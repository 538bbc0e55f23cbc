"""Index for a member's recent audit entries, which are read for every sensitive picture."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("audit_entries_actor", "audit_entries", ["tenant_id", "actor", "created_at"])


def downgrade() -> None:
    op.drop_index("audit_entries_actor", "audit_entries")
