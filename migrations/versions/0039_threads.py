"""Threads of several posts, and the progress of each delivery."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, column in (("posts", "parts"), ("deliveries", "part_ids")):
        op.add_column(table, sa.Column(column, JSONB(none_as_null=True), nullable=False, server_default="[]"))
        op.alter_column(table, column, server_default=None)
    op.add_column("deliveries", sa.Column("parts", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("deliveries", "parts", server_default=None)
    op.create_check_constraint("deliveries_parts", "deliveries", "jsonb_array_length(part_ids) <= "
                                                                 "parts")


def downgrade() -> None:
    op.drop_constraint("deliveries_parts", "deliveries")
    for table, column in (("deliveries", "parts"), ("deliveries", "part_ids"), ("posts", "parts")):
        op.drop_column(table, column)
