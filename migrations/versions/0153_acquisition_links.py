"""Acquisition links with their touches, unique visitors of short links, and link domains."""

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

revision = "0153"
down_revision = "0152"
branch_labels = None
depends_on = None

AUDITED = {
    "acquisition_links": "name source destination cost_minor cost_currency first_day last_day"
    " archived_at",
    "link_domains": "host",
}


def upgrade() -> None:
    # A short link of a campaign can lead to a web page, without an account of the agency.
    op.alter_column("links", "channel_id", nullable=True)
    op.add_column(
        "link_clicks", sa.Column("visitors", sa.Integer(), nullable=False, server_default="0")
    )
    tenant_table(
        "link_salts",
        sa.Column("day", sa.Date(), nullable=False),
        text("salt"),
        unique("link_salts_day", "day"),
    )
    tenant_table(
        "link_visitors",
        uuid_column("link_id"),
        text("digest"),
        unique("link_visitors_once", "link_id", "digest"),
        inside("link_id", "links"),
    )
    tenant_table("link_domains", text("host"), unique("link_domains_host", "host"))
    op.create_index("link_domains_found", "link_domains", ["host"])
    # A visitor's request contains a host before the tenant is known.
    op.execute("GRANT SELECT ON link_domains TO door")
    op.execute("CREATE POLICY door_finds ON link_domains FOR SELECT TO door USING (true)")
    tenant_table(
        "acquisition_links",
        uuid_column("creator_id"),
        text("name"),
        text("source"),
        text("destination"),
        uuid_column("channel_id", nullable=True),
        text("target"),
        text("slug"),
        text("code"),
        jsonb("utm"),
        number("cost_minor", nullable=True, big=True),
        text("cost_currency"),
        uuid_column("owner_id", nullable=True),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        number("version"),
        instant("archived_at", nullable=True),
        unique("acquisition_links_code", "code"),
        sa.CheckConstraint("cost_minor >= 0", name="acquisition_links_cost"),
    )
    op.create_index(
        "acquisition_links_creator", "acquisition_links", ["tenant_id", "creator_id", "created_at"]
    )
    tenant_table(
        "acquisition_touches",
        uuid_column("creator_id"),
        uuid_column("link_id"),
        uuid_column("fan_id"),
        instant("at"),
        inside("link_id", "acquisition_links"),
        inside("fan_id", "fans"),
    )
    op.create_index(
        "acquisition_touches_of_fan", "acquisition_touches", ["tenant_id", "fan_id", "at"]
    )
    op.create_index(
        "acquisition_touches_recent", "acquisition_touches", ["tenant_id", "creator_id", "at"]
    )
    for table, values in AUDITED.items():
        audit_table(table, values)


def downgrade() -> None:
    for table in AUDITED:
        stop_auditing(table)
    for table in ("acquisition_touches", "acquisition_links"):
        op.drop_table(table)
    op.execute("DROP POLICY door_finds ON link_domains")
    op.execute("REVOKE SELECT ON link_domains FROM door")
    for table in ("link_domains", "link_visitors", "link_salts"):
        op.drop_table(table)
    op.drop_column("link_clicks", "visitors")
    op.execute(
        "DELETE FROM link_clicks c USING links l WHERE l.tenant_id = c.tenant_id"
        " AND l.id = c.link_id AND l.channel_id IS NULL"
    )
    op.execute("DELETE FROM links WHERE channel_id IS NULL")
    op.alter_column("links", "channel_id", nullable=False)
