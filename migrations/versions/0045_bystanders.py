"""Unrecognizable people in pictures: counted by one member, confirmed by another."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, number, tenant_table, text, unique, uuid_column

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "bystanders",
        uuid_column("asset_id"),
        number("proposed"),
        text("proposed_by"),
        number("confirmed"),
        text("confirmed_by"),
        inside("asset_id", "assets"),
        unique("bystanders_once", "asset_id"),
        sa.CheckConstraint("proposed >= 0 AND confirmed >= 0", name="bystanders_counted"),
        write=("gate",),
    )


def downgrade() -> None:
    op.drop_table("bystanders")
