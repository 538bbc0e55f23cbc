"""Uploads from the dashboard, and the shelf of library pictures: new, kept or archived."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "uploads",
        uuid_column("creator_id"),
        text("name"),
        text("sha256"),
        number("size", big=True),
        text("by"),
        text("state"),
        jsonb("reason", nullable=True),
        uuid_column("asset_id", nullable=True),
        inside("creator_id", "creators"),
        inside("asset_id", "assets"),
        unique("uploads_file", "creator_id", "sha256"),
        sa.CheckConstraint("state IN ('waiting', 'ready', 'refused')", name="uploads_state"),
    )
    op.create_index("uploads_recent", "uploads", ["tenant_id", "creator_id", "updated_at"])
    op.add_column("creations", sa.Column("shelf", sa.String(), nullable=False, server_default="new"))


def downgrade() -> None:
    op.drop_column("creations", "shelf")
    op.drop_table("uploads")
