"""Secret calendar URLs, by which phones subscribe to scheduled posts."""

from alembic import op

from migrations.tools import flag, inside, instant, tenant_table, text, unique, uuid_column

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "calendar_addresses",
        uuid_column("member_id"),
        uuid_column("creator_id", nullable=True),
        text("digest"),
        flag("words"),
        instant("used_at", nullable=True),
        instant("revoked_at", nullable=True),
        inside("member_id", "members"),
        inside("creator_id", "creators"),
        unique("calendar_addresses_digest", "digest"),
    )
    op.create_index("calendar_addresses_found", "calendar_addresses", ["digest"])
    # a URL names no agency; `door` finds its owner and records the read
    op.execute(
        "GRANT SELECT (tenant_id, id, member_id, creator_id, digest, words, used_at, revoked_at)"
        " ON calendar_addresses TO door"
    )
    op.execute("GRANT UPDATE (used_at) ON calendar_addresses TO door")
    op.execute("CREATE POLICY door_finds ON calendar_addresses TO door USING (true) WITH CHECK "
               "(true)")


def downgrade() -> None:
    op.drop_table("calendar_addresses")
