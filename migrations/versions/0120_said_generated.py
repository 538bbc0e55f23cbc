"""Uploader's declaration that a file is AI-generated."""

import sqlalchemy as sa
from alembic import op

revision = "0120"
down_revision = "0119"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("generated", sa.Boolean(), nullable=False, server_default="false"))


def downgrade() -> None:
    op.drop_column("uploads", "generated")
