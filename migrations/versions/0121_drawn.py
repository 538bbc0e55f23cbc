"""Copied slots use the random minutes of the original."""

import sqlalchemy as sa
from alembic import op

revision = "0121"
down_revision = "0120"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("slots", sa.Column("drawn_as", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("slots", "drawn_as")
