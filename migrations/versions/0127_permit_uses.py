"""The transport's record of used permits, shared by all processes."""

from alembic import op

from migrations import tools

revision = "0127"
down_revision = "0126"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tools.tenant_table("permit_uses")


def downgrade() -> None:
    op.drop_table("permit_uses")
