"""Erasure of archived pictures: the remaining metadata, and the period set by an agency."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, number, tenant_table, text, unique, uuid_column

revision = "0080"
down_revision = "0079"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("renditions", instant("erased_at", nullable=True))
    tenant_table("retentions", number("days"), unique("retentions_once"))
    tenant_table(
        "erased_pictures",
        uuid_column("creator_id"),
        uuid_column("asset_id"),
        uuid_column("job_id", nullable=True),
        text("engine"),
        text("model"),
        instant("made_at"),
        sa.Column("seconds", sa.Float(), nullable=True),
        number("cost", nullable=True),
        text("currency", nullable=True),
        text("by"),
        inside("creator_id", "creators"),
        inside("asset_id", "assets"),
        unique("erased_pictures_once", "asset_id"),
    )


def downgrade() -> None:
    op.drop_table("erased_pictures")
    op.drop_table("retentions")
    op.drop_column("renditions", "erased_at")
