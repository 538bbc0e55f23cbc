"""URLs of posts on platforms that report them after the publication."""

import sqlalchemy as sa
from alembic import op

revision = "0101"
down_revision = "0100"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("permits", sa.Column("url", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("permits", "url")
