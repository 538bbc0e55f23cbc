"""Dry runs: a flag of deliveries, and the parts of an agency in a dry run."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import tenant_table, text, unique, uuid_column

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("dry_run", sa.Boolean(), nullable=False, server_default=sa.false()))
    tenant_table(
        "rehearsals", text("what"), uuid_column("of_id"), text("by"), unique("rehearsals_tenant_id_of_id_key", "of_id")
    )


def downgrade() -> None:
    op.drop_table("rehearsals")
    op.drop_column("deliveries", "dry_run")
