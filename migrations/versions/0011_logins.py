"""Sign-in by password: lookup of members by email, counts of failed attempts, and logins of the
same user."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, tenant_table, text, unique, uuid_column

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Sessions use a separate clock, so that a compressed day does not sign out its viewers.
    op.execute("CREATE FUNCTION people_now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT "
               "now()'")
    op.execute("GRANT SELECT (tenant_id, id, email, password_hash, active) ON members TO door")
    op.execute("CREATE POLICY door_finds ON members FOR SELECT TO door USING (true)")
    tenant_table("login_failures", text("who"), instant("failed_at"), write=("door",))
    op.create_index("login_failures_who", "login_failures", ["tenant_id", "who", "failed_at"])
    tenant_table(
        "login_ties",
        uuid_column("member_id"),
        uuid_column("other_tenant"),
        uuid_column("other_member"),
        inside("member_id", "members"),
        unique("login_ties_once", "member_id", "other_tenant", "other_member"),
    )
    op.execute("GRANT SELECT ON login_ties TO door")
    op.execute("CREATE POLICY door_finds ON login_ties FOR SELECT TO door USING (true)")
    op.add_column("login_sessions", sa.Column("browser", sa.String(), nullable=False, server_default=""))
    op.add_column("login_sessions", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("GRANT UPDATE (seen_at) ON login_sessions TO door")


def downgrade() -> None:
    op.execute("DROP FUNCTION people_now()")
    op.drop_column("login_sessions", "seen_at")
    op.drop_column("login_sessions", "browser")
    op.drop_table("login_ties")
    op.drop_table("login_failures")
    op.execute("DROP POLICY door_finds ON members")
