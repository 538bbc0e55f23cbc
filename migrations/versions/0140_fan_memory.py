"""Memories of fans, summaries of conversations, answers of a creator's team, requested offers."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import (
    flag,
    inside,
    instant,
    number,
    tenant_table,
    text,
    unique,
    uuid_column,
)

revision = "0140"
down_revision = "0139"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "fan_memories",
        uuid_column("creator_id"),
        uuid_column("fan_id"),
        *(text(name) for name in ("key", "value", "normalized", "source")),
        flag("pinned"),
        inside("creator_id", "creators"),
        inside("fan_id", "fans"),
        unique("fan_memories_once", "fan_id", "key", "normalized"),
    )
    tenant_table(
        "conversation_summaries",
        uuid_column("creator_id"),
        uuid_column("conversation_id"),
        text("text"),
        number("upto_seq"),
        instant("summarized_at", nullable=True),
        inside("creator_id", "creators"),
        inside("conversation_id", "conversations"),
        unique("conversation_summaries_once", "conversation_id"),
    )
    tenant_table(
        "team_answers",
        uuid_column("creator_id"),
        *(text(name) for name in ("topic", "language", "body")),
        inside("creator_id", "creators"),
        unique("team_answers_once", "creator_id", "topic", "language"),
    )
    tenant_table(
        "team_introductions",
        uuid_column("creator_id"),
        flag("by_first_name"),
        inside("creator_id", "creators"),
        unique("team_introductions_once", "creator_id"),
    )
    op.add_column(
        "offers",
        sa.Column("requested", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    op.drop_column("offers", "requested")
    for name in ("team_introductions", "team_answers", "conversation_summaries", "fan_memories"):
        op.drop_table(name)
