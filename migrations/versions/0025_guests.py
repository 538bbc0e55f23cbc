"""Guest reviewers: a second factor at sign-in, and the devices on which users were seen."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, number, tenant_table, text, unique, uuid_column

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "second_factors",
        uuid_column("member_id"),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        number("last_step", big=True),
        instant("confirmed_at", nullable=True),
        inside("member_id", "members"),
        unique("second_factors_member", "member_id"),
    )
    # `door` opens sessions before the tenant is known and must know which of them need a code
    op.execute("GRANT SELECT (tenant_id, member_id, confirmed_at) ON second_factors TO door")
    op.execute("CREATE POLICY door_finds ON second_factors FOR SELECT TO door USING (true)")
    op.execute("GRANT SELECT (role) ON members TO door")
    op.add_column("login_sessions", sa.Column("waits", sa.Boolean(), nullable=False, server_default=sa.false()))
    # append-only: a record of a device is final
    tenant_table(
        "sightings",
        uuid_column("principal_id"),
        flag("guest"),
        text("digest"),
        sa.Column("seen_on", sa.Date(), nullable=False),
        inside("principal_id", "principals"),
        unique("sightings_once", "principal_id", "digest", "seen_on", "guest"),
        append_only=True,
    )
    op.create_index("sightings_digest", "sightings", ["tenant_id", "digest", "seen_on"])


def downgrade() -> None:
    op.drop_table("sightings")
    op.drop_column("login_sessions", "waits")
    op.execute("REVOKE SELECT (role) ON members FROM door")
    op.drop_table("second_factors")
