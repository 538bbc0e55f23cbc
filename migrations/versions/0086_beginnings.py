"""Source picture of a recipe run."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import uuid_column

revision = "0086"
down_revision = "0085"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", uuid_column("from_asset", nullable=True))
    op.add_column("jobs", sa.Column("anew", sa.Integer(), nullable=False, server_default="0"))
    op.create_foreign_key("jobs_from_asset", "jobs", "assets", ["tenant_id", "from_asset"], ["tenant_id", "id"])


def downgrade() -> None:
    op.drop_constraint("jobs_from_asset", "jobs")
    for name in ("from_asset", "anew"):
        op.drop_column("jobs", name)
