"""Remaining limits: the end of an account's reserve, and the units that agencies used of an
application's limit."""

import sqlalchemy as sa
from alembic import op

from foundation.ids import INSTALLATION_ID
from migrations.tools import instant, number, tenant_table, text, unique, uuid_column

revision = "0104"
down_revision = "0103"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rate_buckets", instant("kept_until", nullable=True))
    tenant_table(
        "app_days",
        uuid_column("app_key"),
        text("name"),
        uuid_column("agency"),
        instant("begins"),
        instant("ends"),
        number("used"),
        number("most"),
        number("kept"),
        number("post"),
        unique("app_days_once", "app_key", "name", "agency", "begins"),
        sa.Index("app_days_ends", "tenant_id", "ends"),
        write=("relay",),
    )
    op.execute("ALTER TABLE app_days ADD CONSTRAINT app_days_of_the_house CHECK (tenant_id = "
               f"'{INSTALLATION_ID}')")
    op.execute(
        f"CREATE POLICY relay_writes ON app_days TO relay USING (tenant_id = '{INSTALLATION_ID}')"
        f" WITH CHECK (tenant_id = '{INSTALLATION_ID}')"
    )
    op.execute("REVOKE SELECT ON app_days FROM app, gate, auditor")
    # The relay counts the agencies of an application. It learns only the agency of each account.
    op.execute("REVOKE SELECT ON channels FROM relay")
    op.execute("GRANT SELECT (tenant_id, id, app_key) ON channels TO relay")
    op.execute("CREATE POLICY of_an_application ON channels FOR SELECT TO relay USING (app_key IS "
               "NOT NULL)")
    op.execute("CREATE INDEX channels_application ON channels (app_key) WHERE app_key IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP INDEX channels_application")
    op.execute("DROP POLICY of_an_application ON channels")
    op.execute("REVOKE SELECT (tenant_id, id, app_key) ON channels FROM relay")
    op.execute("GRANT SELECT ON channels TO relay")
    op.drop_table("app_days")
    op.drop_column("rate_buckets", "kept_until")
