"""Creators' own pages."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "sites",
        uuid_column("creator_id"),
        *(text(name) for name in ("slug", "title", "about", "language", "chat_url", "authority", "token_digest")),
        inside("creator_id", "creators"),
        unique("sites_in_tenant", "slug"),
    )
    op.create_index("sites_slug", "sites", ["slug"])
    tenant_table(
        "items",
        uuid_column("creator_id"),
        uuid_column("site_id"),
        text("content_id"),
        text("title"),
        text("text"),
        jsonb("media"),
        flag("ai"),
        number("version"),
        instant("published_at"),
        instant("edited_at"),
        instant("removed_at", nullable=True),
        jsonb("purge"),
        inside("creator_id", "creators"),
        inside("site_id", "sites"),
        unique("items_content", "site_id", "content_id"),
    )
    op.create_index("items_newest", "items", ["tenant_id", "site_id", "published_at"])
    tenant_table(
        "item_media",
        uuid_column("creator_id"),
        uuid_column("item_id"),
        text("sha256"),
        text("mime"),
        inside("creator_id", "creators"),
        inside("item_id", "items"),
        unique("item_media_once", "item_id", "sha256"),
    )
    op.create_index("item_media_digest", "item_media", ["sha256"])
    tenant_table(
        "item_views",
        uuid_column("creator_id"),
        uuid_column("item_id"),
        sa.Column("day", sa.Date(), nullable=False),
        number("views"),
        inside("creator_id", "creators"),
        inside("item_id", "items"),
        unique("item_views_day", "item_id", "day"),
    )
    # A URL contains a slug or a digest before the tenant is known; `door` reads only its owner.
    for name in ("sites", "item_media"):
        op.execute(f"GRANT SELECT ON {name} TO door")
        op.execute(f"CREATE POLICY door_finds ON {name} FOR SELECT TO door USING (true)")
