"""Agencies, creators, principals, logins, keys, notices, audit."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table("agencies", text("name"), text("language"), text("zone"), flag("demo"))
    # ticks write one due row per tenant; `door` reads the list without writing to it
    op.execute("GRANT SELECT ON agencies TO door")
    op.execute("CREATE POLICY door_lists ON agencies FOR SELECT TO door USING (true)")
    tenant_table(
        "creators",
        text("slug"),
        text("name"),
        text("kind"),
        text("zone"),
        jsonb("languages"),
        text("rating_ceiling"),
        number("approval_tiers"),
        unique("creators_slug", "slug"),
    )
    tenant_table("principals", text("name"))
    tenant_table(
        "members",
        uuid_column("principal_id"),
        text("role"),
        text("name"),
        text("email"),
        text("language"),
        text("zone"),
        jsonb("creators"),
        text("password_hash", nullable=True),
        flag("active"),
        inside("principal_id", "principals"),
        unique("members_email", "email"),
    )
    _logins()
    tenant_table(
        "vault_keys",
        number("generation"),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        unique("vault_keys_generation", "generation"),
    )
    tenant_table(
        "notices",
        text("cause"),
        jsonb("message", nullable=True),
        flag("urgent"),
        uuid_column("creator_id", nullable=True),
        instant("settled_at", nullable=True),
        unique("notices_cause", "cause"),
    )
    op.create_index("notices_open", "notices", ["tenant_id", "settled_at"])
    tenant_table("audit_entries", text("actor"), text("act"), text("about"), jsonb("details"), append_only=True)


def _logins() -> None:
    for name, last in (("login_links", "used_at"), ("login_sessions", "revoked_at")):
        tenant_table(
            name,
            uuid_column("member_id"),
            text("digest"),
            instant("expires_at"),
            instant(last, nullable=True),
            inside("member_id", "members"),
            unique(f"{name}_digest", "digest"),
        )
        # before the tenant is known, `door` finds a login by the digest of the visitor's credential
        op.execute(f"GRANT SELECT ON {name} TO door")
        op.execute(f"CREATE POLICY door_finds ON {name} TO door USING (true) WITH CHECK (true)")
    # the permitted changes: mark a login as used, open a session
    op.execute("GRANT UPDATE (used_at) ON login_links TO door")
    op.execute("GRANT INSERT ON login_sessions TO door")
