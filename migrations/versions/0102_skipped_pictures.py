"""Pictures of a recipe run that a provider refused."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import jsonb

revision = "0102"
down_revision = "0101"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("skipped", jsonb("skipped").type, nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("jobs", "skipped")
