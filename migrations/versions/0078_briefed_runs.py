"""Inputs of a recipe run and the rating of their text."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0078"
down_revision = "0077"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("given", JSONB(none_as_null=True), nullable=False, server_default="{}"))
    op.add_column("jobs", sa.Column("rating", sa.String(), nullable=False, server_default="G"))


def downgrade() -> None:
    op.drop_column("jobs", "rating")
    op.drop_column("jobs", "given")
