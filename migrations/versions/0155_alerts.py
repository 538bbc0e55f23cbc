"""Alert rules of agencies, and alerts."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import (
    audit_table,
    flag,
    instant,
    number,
    stop_auditing,
    tenant_table,
    text,
    unique,
    uuid_column,
)

revision = "0155"
down_revision = "0154"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "alert_rules",
        text("code"),
        text("kind"),
        text("metric"),
        uuid_column("creator_id", nullable=True),
        text("direction"),
        number("threshold", nullable=True, big=True),
        text("currency"),
        number("days"),
        text("route"),
        number("quiet_from", nullable=True),
        number("quiet_until", nullable=True),
        flag("enabled"),
    )
    tenant_table(
        "alerts",
        uuid_column("rule_id"),
        text("kind"),
        text("metric"),
        text("currency"),
        uuid_column("creator_id", nullable=True),
        text("series"),
        text("direction"),
        sa.Column("day", sa.Date(), nullable=False),
        instant("since"),
        number("expected", nullable=True, big=True),
        number("seen", big=True),
        instant("data_at", nullable=True),
        text("acknowledged_by"),
        instant("acknowledged_at", nullable=True),
        instant("snoozed_until", nullable=True),
        instant("resolved_at", nullable=True),
        text("resolution"),
        unique("alerts_once", "rule_id", "series", "day"),
    )
    op.create_index("alerts_open", "alerts", ["tenant_id", "resolved_at"])
    audit_table(
        "alert_rules",
        "kind metric direction threshold currency days route quiet_from quiet_until enabled",
    )


def downgrade() -> None:
    stop_auditing("alert_rules")
    op.drop_table("alerts")
    op.drop_table("alert_rules")
