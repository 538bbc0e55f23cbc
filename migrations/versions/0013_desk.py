"""Chat tools of members: drafts, notes, snoozing; imported statements and closed months."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, number, tenant_table, text, unique, uuid_column

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _desk()
    _statements()


def _desk() -> None:
    op.add_column("conversations", instant("snoozed_until", nullable=True))
    op.create_index("conversations_changed", "conversations", ["tenant_id", "creator_id", "updated_at"])
    op.create_index("drafts_changed", "drafts", ["tenant_id", "creator_id", "updated_at"])
    op.create_index("conversations_newest", "conversations", ["tenant_id", "creator_id", "last_in_at"])
    op.create_index(
        "conversations_with_people",
        "conversations",
        ["tenant_id", "creator_id"],
        postgresql_where=sa.text("owner IN ('pending_human', 'human')"),
    )
    op.create_index(
        "drafts_for_people",
        "drafts",
        ["tenant_id", "creator_id", "conversation_id"],
        postgresql_where=sa.text("state IN ('draft', 'uncertain')"),
    )
    op.create_index("orders_begun", "orders", ["tenant_id", "creator_id", "created_at"])
    tenant_table(
        "composings",
        uuid_column("creator_id"),
        uuid_column("conversation_id"),
        uuid_column("member_id"),
        text("text"),
        inside("creator_id", "creators"),
        inside("conversation_id", "conversations"),
        inside("member_id", "members"),
        unique("composings_once", "conversation_id", "member_id"),
    )
    tenant_table(
        "fan_notes",
        uuid_column("creator_id"),
        uuid_column("fan_id"),
        uuid_column("member_id"),
        text("body"),
        inside("creator_id", "creators"),
        inside("fan_id", "fans"),
        inside("member_id", "members"),
    )
    op.create_index("fan_notes_of", "fan_notes", ["tenant_id", "fan_id"])


def _statements() -> None:
    tenant_table(
        "statements",
        uuid_column("creator_id"),
        text("source"),
        text("name"),
        text("digest"),
        number("lines"),
        text("by"),
        inside("creator_id", "creators"),
        unique("statements_file", "creator_id", "digest"),
        append_only=True,
    )
    tenant_table(
        "statement_lines",
        uuid_column("creator_id"),
        uuid_column("statement_id"),
        text("source"),
        text("line_key"),
        instant("at"),
        instant("booked_at"),
        text("kind"),
        text("reference"),
        number("gross_minor", big=True),
        number("fee_minor", big=True),
        text("currency"),
        inside("creator_id", "creators"),
        inside("statement_id", "statements"),
        unique("statement_lines_once", "creator_id", "line_key"),
        append_only=True,
    )
    op.create_index("statement_lines_source", "statement_lines", ["tenant_id", "creator_id", "source", "at"])
    tenant_table(
        "month_closes",
        uuid_column("creator_id"),
        sa.Column("month", sa.Date(), nullable=False),
        text("digest"),
        text("by"),
        inside("creator_id", "creators"),
        unique("month_closes_once", "creator_id", "month"),
        append_only=True,
    )


def downgrade() -> None:
    for name in ("month_closes", "statement_lines", "statements", "fan_notes", "composings"):
        op.drop_table(name)
    op.drop_index("orders_begun", "orders")
    op.drop_index("drafts_for_people", "drafts")
    op.drop_index("conversations_with_people", "conversations")
    op.drop_index("conversations_newest", "conversations")
    op.drop_index("drafts_changed", "drafts")
    op.drop_index("conversations_changed", "conversations")
    op.drop_column("conversations", "snoozed_until")
