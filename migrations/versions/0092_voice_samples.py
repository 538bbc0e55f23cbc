"""The voices available to an agency, and their samples."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, jsonb, tenant_table, uuid_column

revision = "0092"
down_revision = "0091"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("speeches", sa.Column("sample", sa.Boolean(), nullable=False, server_default=sa.false()))
    tenant_table(
        "voice_samples",
        uuid_column("creator_id"),
        sa.Column("sound", sa.LargeBinary(), nullable=False),
        inside("creator_id", "creators"),
        inside("id", "speeches"),
    )
    tenant_table(
        "voice_lists",
        instant("asked_at"),
        instant("listed_at", nullable=True),
        jsonb("found"),
        jsonb("missing"),
    )


def downgrade() -> None:
    op.drop_table("voice_lists")
    op.drop_table("voice_samples")
    op.drop_column("speeches", "sample")
