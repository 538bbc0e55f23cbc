"""Remote workers of an agency: keys, leases of runs, and submitted pictures."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0091"
down_revision = "0090"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "machines",
        text("name"),
        text("digest"),
        text("by"),
        jsonb("able"),
        instant("seen_at", nullable=True),
        instant("revoked_at", nullable=True),
        text("revoked_by"),
        unique("machines_digest", "digest"),
    )
    op.create_index("machines_found", "machines", ["digest"])
    # a remote worker names no agency; `door` finds the owner of its key
    op.execute("GRANT SELECT (tenant_id, id, name, digest, revoked_at) ON machines TO door")
    op.execute("CREATE POLICY door_finds ON machines FOR SELECT TO door USING (true)")
    _lent()


def _lent() -> None:
    tenant_table(
        "home_runs",
        uuid_column("creator_id"),
        uuid_column("job_id"),
        uuid_column("machine_id", nullable=True),
        uuid_column("instance", nullable=True),
        uuid_column("lease", nullable=True),
        instant("until", nullable=True),
        jsonb("numbers"),
        number("tries"),
        inside("creator_id", "creators"),
        inside("job_id", "jobs"),
        inside("machine_id", "machines"),
        unique("home_runs_job", "job_id"),
    )
    op.create_index("home_runs_lease", "home_runs", ["tenant_id", "lease"])
    tenant_table(
        "home_pictures",
        uuid_column("creator_id"),
        uuid_column("job_id"),
        number("number"),
        uuid_column("machine_id"),
        uuid_column("lease"),
        text("sha256"),
        number("size", big=True),
        jsonb("made"),
        text("state"),
        jsonb("reason", nullable=True),
        inside("creator_id", "creators"),
        inside("job_id", "jobs"),
        inside("machine_id", "machines"),
        unique("home_pictures_once", "job_id", "number"),
        sa.CheckConstraint("state IN ('waiting', 'ready', 'refused')", name="home_pictures_state"),
    )
    op.create_index("home_pictures_waiting", "home_pictures", ["tenant_id", "state"])


def downgrade() -> None:
    for table in ("home_pictures", "home_runs", "machines"):
        op.drop_table(table)
