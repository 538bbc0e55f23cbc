"""Slideshow clips, and assets made of several others, which are all parents."""

from alembic import op

from migrations.tools import inside, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0081"
down_revision = "0080"
branch_labels = None
depends_on = None

_PARENTS = """
CREATE VIEW asset_parents WITH (security_invoker = true) AS
SELECT tenant_id, id AS asset_id, parent_id, false AS part FROM assets
UNION ALL SELECT tenant_id, asset_id, part_id, true FROM asset_parts
"""
"""Assets without sources have a row without a parent, which matches no join. With a condition here
PostgreSQL would read all assets of the agency instead of using the keys."""


def upgrade() -> None:
    tenant_table(
        "asset_parts",
        uuid_column("asset_id"),
        uuid_column("part_id"),
        inside("asset_id", "assets"),
        inside("part_id", "assets"),
        unique("asset_parts_once", "asset_id", "part_id"),
        write=("gate",),
    )
    op.create_index("asset_parts_of", "asset_parts", ["tenant_id", "part_id"])
    op.create_index("assets_parent", "assets", ["tenant_id", "parent_id"])
    tenant_table(
        "clips",
        uuid_column("creator_id"),
        text("key"),
        jsonb("spec"),
        text("by"),
        text("state"),
        number("done"),
        number("total"),
        jsonb("reason", nullable=True),
        uuid_column("asset_id", nullable=True),
        inside("creator_id", "creators"),
        inside("asset_id", "assets"),
        unique("clips_key", "key"),
    )
    op.create_index("clips_recent", "clips", ["tenant_id", "creator_id", "created_at"])
    op.execute(_PARENTS)
    op.execute("GRANT SELECT ON asset_parents TO app, gate, relay, auditor")


def downgrade() -> None:
    op.execute("DROP VIEW asset_parents")
    op.drop_table("clips")
    op.drop_table("asset_parts")
    op.drop_index("assets_parent", "assets")
