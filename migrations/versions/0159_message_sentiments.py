"""Estimated sentiments of fans' messages and comments."""

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

revision = "0159"
down_revision = "0158"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "message_sentiments",
        *(uuid_column(name) for name in ("creator_id", "message_id", "conversation_id")),
        flag("is_comment"),
        uuid_column("delivery_id", nullable=True),
        instant("at"),
        text("sentiment"),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("toxicity", sa.Float(), nullable=True),
        number("version"),
        unique("message_sentiments_message", "message_id"),
        inside("message_id", "messages"),
        inside("conversation_id", "conversations"),
    )
    op.create_index(
        "message_sentiments_of_creator", "message_sentiments", ["tenant_id", "creator_id", "at"]
    )
    op.create_index(
        "message_sentiments_of_conversation",
        "message_sentiments",
        ["tenant_id", "conversation_id"],
    )
    op.create_index(
        "message_sentiments_of_post",
        "message_sentiments",
        ["tenant_id", "delivery_id", "sentiment"],
        postgresql_where=sa.text("delivery_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("message_sentiments")
