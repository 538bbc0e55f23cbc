"""Clock of the installation, outbox, inbox."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import TENANT, instant, isolate, jsonb, number, text, unique, uuid_column

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _clock()
    _outbox()
    _inbox()


def _clock() -> None:
    op.create_table(
        "house_clock",
        uuid_column("tenant_id"),
        uuid_column("id"),
        sa.Column("shift", sa.Interval(), nullable=False),
        text("environment"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.execute("ALTER TABLE house_clock ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE house_clock FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY everybody_reads ON house_clock FOR SELECT USING (true)")
    op.execute("CREATE POLICY owner_sets ON house_clock TO CURRENT_USER USING (true) WITH CHECK "
               "(true)")
    zero = "00000000-0000-0000-0000-000000000000"
    op.execute(f"INSERT INTO house_clock VALUES ('{zero}', '{zero}', interval '0', 'production')")
    # STABLE over clock_timestamp(): index conditions keep working, and long transactions do not
    # freeze the clock
    op.execute(
        "CREATE FUNCTION house_now() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER SET "
        "search_path = public AS"
        " $$ SELECT clock_timestamp() + shift FROM house_clock $$"
    )
    op.execute(
        "CREATE FUNCTION house_clock_move(by interval) RETURNS void LANGUAGE plpgsql SECURITY "
        "DEFINER"
        " SET search_path = public AS $$ BEGIN"
        " UPDATE house_clock SET shift = shift + by WHERE environment IN ('demo', 'test');"
        " IF NOT FOUND THEN RAISE EXCEPTION 'the clock of a production house is not shifted'; END "
        "IF; END $$"
    )
    # Leases measure processes, not schedules, so they shift with the clock. Otherwise a jump would
    # dispatch running rows again.
    op.execute(
        "CREATE FUNCTION house_shift(by interval) RETURNS timestamptz LANGUAGE plpgsql SET "
        "search_path = public AS $$ BEGIN"
        " PERFORM house_clock_move(by);"
        " PERFORM 1 FROM outbox WHERE state = 'leased' ORDER BY tenant_id, id FOR UPDATE;"
        " UPDATE outbox SET lease_until = lease_until + by WHERE state = 'leased';"
        " PERFORM pg_notify('outbox', ''); RETURN house_now(); END $$"
    )
    for function in ("house_clock_move", "house_shift"):
        op.execute(f"REVOKE ALL ON FUNCTION {function}(interval) FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function}(interval) TO relay")


def _outbox() -> None:
    op.create_table(
        "outbox",
        uuid_column("tenant_id"),
        uuid_column("id"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.house_now(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.house_now(), nullable=True),
        text("kind"),
        number("version"),
        uuid_column("subject_id"),
        jsonb("args"),
        text("queue"),
        text("lane", nullable=True),
        sa.Column("holds_lane", sa.Boolean(), nullable=False),
        text("group_key", nullable=True),
        number("priority"),
        instant("available_at"),
        text("state"),
        number("tries"),
        uuid_column("lease_token", nullable=True),
        instant("lease_until", nullable=True),
        instant("started_at", nullable=True),
        text("dedupe_key", nullable=True),
        text("trace_id"),
        text("last_error", nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.CheckConstraint("state IN ('waiting', 'leased', 'dead')", name="outbox_state"),
    )
    isolate("outbox", write=("app", "gate"))
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO relay")
    op.execute("CREATE POLICY every_row ON outbox TO relay USING (true) WITH CHECK (true)")
    op.execute("GRANT INSERT ON outbox TO door")
    op.execute("CREATE INDEX outbox_due ON outbox (queue, available_at) WHERE state = 'waiting'")
    op.execute(
        "CREATE INDEX outbox_lane ON outbox (tenant_id, lane, priority, available_at, id)"
        " WHERE state = 'waiting' AND lane IS NOT NULL"
    )
    op.execute(
        "CREATE UNIQUE INDEX outbox_one_per_lane ON outbox (tenant_id, lane) WHERE lane IS NOT NULL"
        " AND (state = 'leased' OR state = 'waiting' AND holds_lane AND lease_token IS NOT NULL)"
    )
    op.execute(
        "CREATE UNIQUE INDEX outbox_dedupe ON outbox (tenant_id, dedupe_key)"
        " WHERE state IN ('waiting', 'leased') AND dedupe_key IS NOT NULL"
    )
    op.execute("CREATE INDEX outbox_leased ON outbox (lease_token) WHERE state = 'leased'")
    op.execute("CREATE INDEX outbox_expiring ON outbox (lease_until) WHERE state = 'leased'")
    op.execute("CREATE INDEX outbox_subject ON outbox (tenant_id, subject_id, kind)")


def _inbox() -> None:
    op.create_table(
        "inbox",
        uuid_column("tenant_id"),
        uuid_column("id"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.house_now(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.house_now(), nullable=True),
        text("source"),
        text("key"),
        jsonb("body"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        unique("inbox_once", "source", "key"),
    )
    isolate("inbox", write=("app",))
    op.execute("GRANT SELECT, INSERT ON inbox TO door")


__all__ = ["TENANT", "upgrade"]
