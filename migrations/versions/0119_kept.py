"""Index for deliveries delayed to a later slot."""

from alembic import op

revision = "0119"
down_revision = "0118"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX deliveries_kept ON deliveries (tenant_id, not_before) WHERE "
               "not_before IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP INDEX deliveries_kept")
