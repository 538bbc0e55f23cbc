"""The time that approvers of an agency have for posts that are published at once."""

import sqlalchemy as sa
from alembic import op

revision = "0177"
down_revision = "0176"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "agencies",
        sa.Column("approval_minutes", sa.Integer(), nullable=False, server_default="60"),
    )
    op.create_check_constraint("agencies_approval_minutes", "agencies", "approval_minutes >= 60")


def downgrade() -> None:
    op.drop_column("agencies", "approval_minutes")
