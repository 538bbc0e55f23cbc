"""What an agency receives for 1,000 Telegram Stars, for estimates beside totals."""

import sqlalchemy as sa
from alembic import op

revision = "0174"
down_revision = "0173"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "agencies", sa.Column("stars_value", sa.String(), nullable=False, server_default="")
    )


def downgrade() -> None:
    op.drop_column("agencies", "stars_value")
