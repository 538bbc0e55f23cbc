"""Packs recommended to fans, and results of creators that suggestions use."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, jsonb, tenant_table, text, unique, uuid_column

revision = "0160"
down_revision = "0159"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "pack_recommendations",
        uuid_column("creator_id"),
        uuid_column("fan_id", nullable=True),
        jsonb("packs"),
        text("basis"),
        instant("computed_at"),
        sa.UniqueConstraint(
            "tenant_id",
            "creator_id",
            "fan_id",
            name="pack_recommendations_of",
            postgresql_nulls_not_distinct=True,
        ),
        inside("fan_id", "fans"),
    )
    tenant_table(
        "creator_results",
        uuid_column("creator_id"),
        jsonb("results"),
        instant("computed_at"),
        unique("creator_results_creator", "creator_id"),
        inside("creator_id", "creators"),
    )
    op.create_index("pack_recommendations_fan", "pack_recommendations", ["tenant_id", "fan_id"])


def downgrade() -> None:
    op.drop_table("creator_results")
    op.drop_table("pack_recommendations")
