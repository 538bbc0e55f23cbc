"""Links in posts: their treatment, short links, and click counts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tools import inside, instant, number, tenant_table, text, unique, uuid_column

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("posts", sa.Column("links", JSONB(), nullable=False, server_default="{}"))
    op.add_column("links", instant("closed_at", nullable=True))
    op.create_index("links_found", "links", ["slug"])
    op.create_index("links_subject", "links", ["tenant_id", "subject_id"])
    # a visitor's request contains a slug before the tenant is known; `door` reads only its owner
    op.execute("GRANT SELECT ON links TO door")
    op.execute("CREATE POLICY door_finds ON links FOR SELECT TO door USING (true)")
    tenant_table(
        "link_clicks",
        uuid_column("link_id"),
        sa.Column("day", sa.Date(), nullable=False),
        number("people"),
        number("machines"),
        inside("link_id", "links"),
        unique("link_clicks_day", "link_id", "day"),
    )
    tenant_table(
        "link_rules",
        uuid_column("creator_id"),
        *(text(name) for name in ("base", "source", "medium", "campaign", "content")),
        inside("creator_id", "creators"),
        unique("link_rules_creator", "creator_id"),
    )


def downgrade() -> None:
    op.drop_table("link_rules")
    op.drop_table("link_clicks")
    op.execute("DROP POLICY door_finds ON links")
    op.execute("REVOKE SELECT ON links FROM door")
    op.drop_index("links_subject", "links")
    op.drop_index("links_found", "links")
    op.drop_column("links", "closed_at")
    op.drop_column("posts", "links")
