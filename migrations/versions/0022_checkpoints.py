"""Metadata of the log's checkpoints, which are stored outside the database."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import instant, number, tenant_table, text, unique

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "log_checkpoints",
        number("number", big=True),
        number("seq", big=True),
        text("head"),
        instant("at"),
        text("digest"),
        sa.Column("root", sa.BigInteger(), nullable=True),
        unique("log_checkpoints_number", "number"),
        write=("gate",),
    )
    op.create_index("log_checkpoints_open", "log_checkpoints", ["tenant_id"], postgresql_where=sa.text("root IS NULL"))


def downgrade() -> None:
    op.drop_table("log_checkpoints")
