"""Where people find a copy, where its platform says so only after it went out."""

import sqlalchemy as sa
from alembic import op

revision = "0141"
down_revision = "0140"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("permits", sa.Column("url", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("permits", "url")
