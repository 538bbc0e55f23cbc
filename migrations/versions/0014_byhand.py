"""Manual tasks: their content, requests to save a file, and the phones used."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

STATES = "'waiting', 'opened', 'done', 'gone', 'cannot', 'late', 'recalled'"


def upgrade() -> None:
    tenant_table(
        "handovers",
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        text("kind"),
        text("key"),
        text("state"),
        text("subject_kind"),
        uuid_column("subject_id"),
        uuid_column("permit_jti"),
        jsonb("content"),
        instant("handed_at"),
        instant("due_at", nullable=True),
        instant("late_until", nullable=True),
        instant("opened_at", nullable=True),
        uuid_column("opened_by", nullable=True),
        instant("snoozed_until", nullable=True),
        number("reminders"),
        instant("closed_at", nullable=True),
        uuid_column("closed_by", nullable=True),
        text("native_id"),
        text("url"),
        jsonb("reason", nullable=True),
        unique("handovers_key", "key"),
        inside("creator_id", "creators"),
        inside("channel_id", "channels"),
        sa.CheckConstraint(f"state IN ({STATES})", name="handovers_state"),
        sa.CheckConstraint("kind IN ('post', 'removal')", name="handovers_kind"),
    )
    op.create_index("handovers_open", "handovers", ["tenant_id", "state", "due_at"])
    op.create_index("handovers_channel", "handovers", ["tenant_id", "channel_id", "native_id"])
    tenant_table(
        "handover_saves",
        uuid_column("creator_id"),
        uuid_column("handover_id"),
        text("sha256"),
        text("state"),
        text("asked_by"),
        uuid_column("permit_jti", nullable=True),
        instant("until", nullable=True),
        jsonb("reason", nullable=True),
        inside("creator_id", "creators"),
        inside("handover_id", "handovers"),
        sa.CheckConstraint("state IN ('asked', 'allowed', 'refused', 'served')", name="handover_saves_state"),
    )
    op.create_index("handover_saves_task", "handover_saves", ["tenant_id", "handover_id"])
    tenant_table(
        "phones",
        uuid_column("member_id"),
        text("name"),
        instant("seen_at"),
        unique("phones_member", "member_id"),
        inside("member_id", "members"),
    )


def downgrade() -> None:
    op.drop_table("phones")
    op.drop_table("handover_saves")
    op.drop_table("handovers")
