"""Requester of a recipe run."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("by", sa.String(), nullable=False, server_default=""))
    op.create_index("jobs_recent", "jobs", ["tenant_id", "creator_id", "created_at"])


def downgrade() -> None:
    op.drop_index("jobs_recent", "jobs")
    op.drop_column("jobs", "by")
