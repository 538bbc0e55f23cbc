"""Personas with greeting, opening hours and sales style; changes of autonomy; test chats."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tools import inside, jsonb, number, tenant_table, text, uuid_column

revision = "0139"
down_revision = "0138"
branch_labels = None
depends_on = None

TEXTS = {"greeting": "", "suggestions": "", "sales_style": "active"}
LISTS = ("opening_hours", "lorebook")


def upgrade() -> None:
    for name, default in TEXTS.items():
        op.add_column(
            "personas", sa.Column(name, sa.String(), nullable=False, server_default=default)
        )
    for name in LISTS:
        op.add_column("personas", sa.Column(name, JSONB(), nullable=False, server_default="[]"))
    op.add_column("drafts", sa.Column("edit_percent", sa.Integer(), nullable=True))
    op.add_column(
        "drafts", sa.Column("refused", sa.Boolean(), nullable=False, server_default="false")
    )
    op.create_index(
        "drafts_of_bot",
        "drafts",
        ["tenant_id", "creator_id", "created_at"],
        postgresql_where=sa.text("origin = 'bot'"),
    )
    op.create_index(
        "conversation_moves_of_creator",
        "conversation_moves",
        ["tenant_id", "creator_id", "created_at"],
    )
    tenant_table(
        "autonomy_changes",
        uuid_column("creator_id"),
        *(text(name) for name in ("before", "after", "reason", "by")),
        number("version"),
        inside("creator_id", "creators"),
        append_only=True,
    )
    op.create_index(
        "autonomy_changes_of_creator", "autonomy_changes", ["tenant_id", "creator_id", "created_at"]
    )
    tenant_table(
        "persona_trials",
        uuid_column("creator_id"),
        uuid_column("member_id"),
        jsonb("persona"),
        jsonb("lines"),
        text("state"),
        jsonb("outcome", nullable=True),
        inside("creator_id", "creators"),
        inside("member_id", "members"),
    )


def downgrade() -> None:
    op.drop_table("persona_trials")
    op.drop_table("autonomy_changes")
    op.drop_index("conversation_moves_of_creator", "conversation_moves")
    op.drop_index("drafts_of_bot", "drafts")
    for name in ("refused", "edit_percent"):
        op.drop_column("drafts", name)
    for name in (*LISTS, *TEXTS):
        op.drop_column("personas", name)
