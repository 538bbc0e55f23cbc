"""Messages with paid media: the sold copies, and the item paid for by a transaction."""

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("permits", sa.Column("sold", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.add_column("statement_lines", sa.Column("paid_for", sa.String(), nullable=False, server_default=""))
    op.create_index(
        "statement_lines_paid_for",
        "statement_lines",
        ["tenant_id", "creator_id", "paid_for"],
        postgresql_where=sa.text("paid_for <> ''"),
    )
    op.create_index(
        "drafts_locked",
        "drafts",
        ["tenant_id", "channel_id", "native_id"],
        postgresql_where=sa.text("kind = 'locked'"),
    )


def downgrade() -> None:
    op.drop_index("drafts_locked", "drafts")
    op.drop_index("statement_lines_paid_for", "statement_lines")
    op.drop_column("statement_lines", "paid_for")
    op.drop_column("permits", "sold")
