"""Cost entries of creators, and read-only share links of Analytics."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import (
    audit_table,
    inside,
    instant,
    jsonb,
    number,
    stop_auditing,
    tenant_table,
    text,
    unique,
    uuid_column,
)

revision = "0152"
down_revision = "0151"
branch_labels = None
depends_on = None

AUDITED = {
    "cost_entries": "kind amount_minor currency spent_on voided_at",
    "analytics_links": "name views first_day last_day rolling expires_at revoked_at",
}


def upgrade() -> None:
    tenant_table(
        "cost_entries",
        uuid_column("creator_id"),
        text("kind"),
        number("amount_minor", big=True),
        text("currency"),
        sa.Column("spent_on", sa.Date(), nullable=False),
        text("note"),
        text("by"),
        instant("voided_at", nullable=True),
        text("voided_by"),
        inside("creator_id", "creators"),
        sa.CheckConstraint("amount_minor > 0", name="cost_entries_positive"),
        sa.CheckConstraint(
            "kind IN ('engines', 'api', 'chatters', 'ads', 'other')", name="cost_entries_kind"
        ),
    )
    op.create_index("cost_entries_by_day", "cost_entries", ["tenant_id", "creator_id", "spent_on"])
    tenant_table(
        "analytics_links",
        text("token"),
        text("name"),
        jsonb("views"),
        jsonb("creators"),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("rolling", sa.Boolean(), nullable=False),
        text("by"),
        instant("expires_at"),
        instant("revoked_at", nullable=True),
        instant("opened_at", nullable=True),
        unique("analytics_links_token", "token"),
    )
    op.create_index("analytics_links_found", "analytics_links", ["token"])
    # The tenant is unknown until the token is found.
    op.execute("GRANT SELECT ON analytics_links TO door")
    op.execute("CREATE POLICY door_finds ON analytics_links FOR SELECT TO door USING (true)")
    for table, values in AUDITED.items():
        audit_table(table, values)


def downgrade() -> None:
    for table in AUDITED:
        stop_auditing(table)
        op.drop_table(table)
