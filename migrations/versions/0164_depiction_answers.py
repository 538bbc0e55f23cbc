"""Answers to “Who is shown?”, findings of the bundled models, and assets that a model redrew."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, number, tenant_table, text, uuid_column

revision = "0164"
down_revision = "0163"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "depiction_answers",
        uuid_column("asset_id"),
        uuid_column("creator_id"),
        text("answer"),
        text("source"),
        uuid_column("principal_id", nullable=True),
        inside("asset_id", "assets"),
        sa.CheckConstraint(
            "answer IN ('no_people', 'creator', 'others', 'unsure')", name="depiction_answers_answer"
        ),
        write=("gate",),
        append_only=True,
    )
    op.create_index("depiction_answers_asset", "depiction_answers", ["tenant_id", "asset_id"])
    op.create_index(
        "depiction_answers_creator", "depiction_answers", ["tenant_id", "creator_id", "id"]
    )
    op.add_column("inspections", number("explicit", nullable=True))
    op.add_column("inspections", number("face", nullable=True))
    op.add_column("assets", flag("redrawn", nullable=True))


def downgrade() -> None:
    op.drop_column("assets", "redrawn")
    op.drop_column("inspections", "face")
    op.drop_column("inspections", "explicit")
    op.drop_table("depiction_answers")
