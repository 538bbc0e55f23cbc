"""Perceptual hashes of a video's frames, to recognize a blocked one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inspections", sa.Column("frames", JSONB(none_as_null=True), nullable=False, server_default="[]"))
    op.create_index(
        "inspections_films", "inspections", ["tenant_id", "sha256"], postgresql_where=sa.text("frames <> '[]'")
    )


def downgrade() -> None:
    op.drop_index("inspections_films", "inspections")
    op.drop_column("inspections", "frames")
