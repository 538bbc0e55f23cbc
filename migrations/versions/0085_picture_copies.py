"""Requested copies of pictures until they are in the library, and the watermark of each creator."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0085"
down_revision = "0084"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "picture_copies",
        uuid_column("creator_id"),
        uuid_column("asset_id"),
        jsonb("finish"),
        text("by"),
        text("state"),
        jsonb("reason", nullable=True),
        uuid_column("made_id", nullable=True),
        inside("creator_id", "creators"),
        inside("asset_id", "assets"),
        inside("made_id", "assets"),
        sa.CheckConstraint("state IN ('waiting', 'ready', 'refused')", name="picture_copies_state"),
    )
    tenant_table(
        "creator_watermarks",
        uuid_column("creator_id"),
        text("text"),
        text("corner"),
        number("size"),
        number("opacity"),
        inside("creator_id", "creators"),
        unique("creator_watermarks_creator", "creator_id"),
    )
    op.create_index("picture_copies_recent", "picture_copies", ["tenant_id", "creator_id", "updated_at"])


def downgrade() -> None:
    op.drop_table("creator_watermarks")
    op.drop_table("picture_copies")
