"""Limits shared by the accounts of one application across agencies: rows of the installation,
written as relay."""

from alembic import op

from foundation.ids import INSTALLATION_ID
from migrations.tools import instant, number, tenant_table, uuid_column

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "app_limits",
        instant("blocked_until", nullable=True),
        number("refusals"),
        instant("braked_until", nullable=True),
        uuid_column("failed_by", nullable=True),
        instant("failed_at", nullable=True),
        write=("relay",),
    )
    op.execute("ALTER TABLE app_limits ADD CONSTRAINT app_limits_of_the_house CHECK (tenant_id = "
               f"'{INSTALLATION_ID}')")
    op.execute("CREATE POLICY house_is_read ON app_limits FOR SELECT USING (tenant_id = "
               f"'{INSTALLATION_ID}')")
    op.execute(
        f"CREATE POLICY relay_writes ON app_limits TO relay USING (tenant_id = '{INSTALLATION_ID}')"
        f" WITH CHECK (tenant_id = '{INSTALLATION_ID}')"
    )
    # an agency may read the end of a limit, but not the account that caused it
    op.execute("REVOKE SELECT ON app_limits FROM app, gate, auditor")
    op.execute("GRANT SELECT (tenant_id, id, blocked_until, braked_until) ON app_limits TO app")
    op.add_column("channels", uuid_column("app_key", nullable=True))


def downgrade() -> None:
    op.drop_column("channels", "app_key")
    op.drop_table("app_limits")
