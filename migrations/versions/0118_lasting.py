"""Lifetime of posts that their platform removes by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0118"
down_revision = "0117"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("lasts_hours", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("deliveries", "lasts_hours")
