"""Content of a post customized per channel."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("posts", sa.Column("overrides", JSONB(none_as_null=True), nullable=False, server_default="[]"))
    op.alter_column("posts", "overrides", server_default=None)


def downgrade() -> None:
    op.drop_column("posts", "overrides")
