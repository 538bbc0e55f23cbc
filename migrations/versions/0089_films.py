"""Clips animated by a model from one picture, and their waits."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import instant

revision = "0089"
down_revision = "0088"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clips", sa.Column("kind", sa.String(), nullable=False, server_default="stills"))
    op.add_column("clips", instant("waits_until", nullable=True))
    op.add_column("clips", sa.Column("waits_for", sa.String(), nullable=False, server_default=""))
    moved = sa.text("kind = 'model' AND asset_id IS NOT NULL")
    op.create_index("clips_moved", "clips", ["tenant_id", "updated_at"], postgresql_where=moved)


def downgrade() -> None:
    op.drop_index("clips_moved", "clips")
    for name in ("kind", "waits_until", "waits_for"):
        op.drop_column("clips", name)
