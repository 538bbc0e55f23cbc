"""Age verification: the providers connected by a tenant, each viewer's check, and external
confirmations."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, jsonb, tenant_table, text, unique, uuid_column

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "age_providers",
        *(text(name) for name in ("provider", "account", "base_url", "state")),
        jsonb("reason", nullable=True),
        sa.Column("box", sa.LargeBinary(), nullable=True),
        sa.Column("letter", sa.LargeBinary(), nullable=False),
        instant("tested_at", nullable=True),
        unique("age_providers_once", "provider"),
    )
    tenant_table(
        "age_checks",
        uuid_column("provider_id"),
        text("platform"),
        text("user_id"),
        uuid_column("channel_id", nullable=True),
        *(text(name) for name in ("digest", "language", "state", "native_id", "address")),
        instant("until", nullable=True),
        jsonb("reason", nullable=True),
        inside("provider_id", "age_providers"),
        inside("channel_id", "channels"),
        unique("age_checks_link", "digest"),
    )
    op.create_index(
        "age_checks_session",
        "age_checks",
        ["tenant_id", "provider_id", "native_id"],
        unique=True,
        postgresql_where=sa.text("native_id <> ''"),
    )
    op.create_index("age_checks_viewer", "age_checks", ["tenant_id", "platform", "user_id"])
    op.create_index("age_checks_digest", "age_checks", ["digest"])
    # a link contains a check before the tenant is known; `door` reads only its owner
    op.execute("GRANT SELECT ON age_checks TO door")
    op.execute("CREATE POLICY door_finds ON age_checks FOR SELECT TO door USING (true)")
    op.add_column("age_assurances", sa.Column("custodian", sa.String(), nullable=False, server_default=""))
    op.add_column("age_assurances", sa.Column("confirmed_by", sa.String(), nullable=False, server_default=""))
    op.add_column("age_assurances", sa.Column("why", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    for name in ("why", "confirmed_by", "custodian"):
        op.drop_column("age_assurances", name)
    op.drop_table("age_checks")
    op.drop_table("age_providers")
