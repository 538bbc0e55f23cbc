"""Search for terms split over several texts: those sent to a viewer by all accounts of a creator,
and short texts of a creator's public posts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0128"
down_revision = "0127"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("permits", sa.Column("short_lines", JSONB(), nullable=False, server_default="[]"))
    op.alter_column("permits", "short_lines", server_default=None)
    op.create_index(
        "permits_viewer",
        "permits",
        ["tenant_id", "creator_id", "viewer", "minted_at"],
        postgresql_where=sa.text("viewer <> ''"),
    )
    op.create_index(
        "permits_short_lines",
        "permits",
        ["tenant_id", "creator_id", "minted_at"],
        postgresql_where=sa.text("viewer = '' AND short_lines <> '[]'"),
    )


def downgrade() -> None:
    op.drop_index("permits_short_lines", "permits")
    op.drop_index("permits_viewer", "permits")
    op.drop_column("permits", "short_lines")
