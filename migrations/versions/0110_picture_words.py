"""Tags and descriptions of pictures by a vision model, for the library's search."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, jsonb, tenant_table, text, unique, uuid_column

revision = "0110"
down_revision = "0109"
branch_labels = None
depends_on = None

BEFORE = "folded(alt || ' ' || prompt || ' ' || CAST(tags AS text))"
WORDS = "folded(alt || ' ' || shows || ' ' || prompt || ' ' || CAST(tags AS text))"


def upgrade() -> None:
    op.add_column("creations", sa.Column("shows", sa.String(), nullable=False, server_default=""))
    op.drop_column("creations", "words")
    op.add_column("creations", sa.Column("words", sa.String(), sa.Computed(WORDS, persisted=True)))
    tenant_table(
        "picture_words",
        uuid_column("creator_id"),
        text("key"),
        uuid_column("asset_id"),
        text("by"),
        text("language"),
        jsonb("forbidden"),
        text("alt"),
        text("shows"),
        text("model"),
        jsonb("reason", nullable=True),
        text("state"),
        inside("creator_id", "creators"),
        inside("asset_id", "assets"),
        unique("picture_words_key", "key"),
    )
    op.create_index("picture_words_asset", "picture_words", ["tenant_id", "creator_id", "asset_id", "created_at"])


def downgrade() -> None:
    op.drop_table("picture_words")
    op.drop_column("creations", "words")
    op.drop_column("creations", "shows")
    op.add_column("creations", sa.Column("words", sa.String(), sa.Computed(BEFORE, persisted=True)))
