"""Library: search by text and tags, pagination and collections."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tools import inside, number, tenant_table, text, unique, uuid_column

revision = "0077"
down_revision = "0076"
branch_labels = None
depends_on = None

FOLDED = (
    "CREATE FUNCTION folded(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE"
    r" RETURN lower(regexp_replace(normalize(value, NFKD), '[\u0300-\u036f]', '', 'g'))"
)
WORDS = "folded(alt || ' ' || prompt || ' ' || CAST(tags AS text))"


def upgrade() -> None:
    op.execute(FOLDED)
    op.add_column("creations", sa.Column("tags", JSONB(), nullable=False, server_default="{}"))
    op.add_column("creations", sa.Column("words", sa.String(), sa.Computed(WORDS, persisted=True)))
    op.drop_index("creations_library", "creations")
    op.create_index("creations_library", "creations", ["tenant_id", "creator_id", "created_at", "asset_id"])
    _collections()


def _collections() -> None:
    tenant_table(
        "collections",
        uuid_column("creator_id"),
        text("name"),
        text("folded"),
        uuid_column("cover_id", nullable=True),
        inside("creator_id", "creators"),
        inside("cover_id", "assets"),
        unique("collections_name", "creator_id", "folded"),
    )
    tenant_table(
        "collection_items",
        uuid_column("creator_id"),
        uuid_column("collection_id"),
        number("position"),
        uuid_column("asset_id"),
        inside("creator_id", "creators"),
        inside("collection_id", "collections"),
        inside("asset_id", "assets"),
        unique("collection_items_position", "collection_id", "position"),
        unique("collection_items_asset", "collection_id", "asset_id"),
    )


def downgrade() -> None:
    op.drop_table("collection_items")
    op.drop_table("collections")
    op.drop_index("creations_library", "creations")
    op.create_index("creations_library", "creations", ["tenant_id", "creator_id", "created_at"])
    op.drop_column("creations", "words")
    op.drop_column("creations", "tags")
    op.execute("DROP FUNCTION folded(text)")
