"""Similarity of pictures to the style they were generated for."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0088"
down_revision = "0087"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "look_scores",
        uuid_column("creator_id"),
        uuid_column("asset_id"),
        text("method"),
        number("score", nullable=True),
        jsonb("reason", nullable=True),
        inside("creator_id", "creators"),
        inside("asset_id", "assets"),
        unique("look_scores_once", "asset_id"),
        sa.CheckConstraint("score IS NULL OR score BETWEEN 0 AND 100", name="look_scores_percent"),
    )


def downgrade() -> None:
    op.drop_table("look_scores")
