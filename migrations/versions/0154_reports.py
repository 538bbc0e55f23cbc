"""Scheduled reports: schedules, stored reports and their deliveries."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import (
    audit_table,
    flag,
    inside,
    instant,
    jsonb,
    number,
    tenant_table,
    text,
    unique,
    uuid_column,
)

revision = "0154"
down_revision = "0153"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "report_schedules",
        *(text("name"), text("kind"), text("audience"), jsonb("creators"), jsonb("allowed")),
        *(number("weekday"), number("month_day"), number("hour"), text("zone"), text("language")),
        *(jsonb("formats"), jsonb("recipients"), flag("phrased"), text("state")),
        instant("active_since"),
    )
    op.create_index("report_schedules_active", "report_schedules", ["tenant_id", "state"])
    tenant_table(
        "report_runs",
        uuid_column("schedule_id"),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        *(jsonb("facts"), jsonb("charts"), jsonb("briefs"), jsonb("brand"), instant("made_at")),
        inside("schedule_id", "report_schedules"),
        unique("report_runs_period", "schedule_id", "first_day", "last_day"),
    )
    tenant_table(
        "report_deliveries",
        *(uuid_column("run_id"), text("recipient"), text("attempt"), text("route")),
        *(uuid_column("member_id", nullable=True), text("address")),
        *(text("language"), text("zone"), jsonb("formats"), text("state"), number("tries")),
        *(jsonb("reason", nullable=True), instant("settled_at", nullable=True)),
        *(text("link"), instant("link_until", nullable=True)),
        inside("run_id", "report_runs"),
        unique("report_deliveries_one", "run_id", "recipient", "attempt"),
    )
    op.create_index("report_deliveries_link", "report_deliveries", ["link"])
    # A visitor with a link has no tenant yet.
    op.execute("GRANT SELECT ON report_deliveries TO door")
    op.execute("CREATE POLICY door_finds ON report_deliveries FOR SELECT TO door USING (true)")
    audit_table(
        "report_schedules",
        "name kind audience creators allowed weekday month_day hour zone language formats phrased"
        " state",
    )
    audit_table("report_deliveries", "state")


def downgrade() -> None:
    op.drop_table("report_deliveries")
    op.drop_table("report_runs")
    op.drop_table("report_schedules")
