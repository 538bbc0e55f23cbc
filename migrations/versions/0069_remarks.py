"""Comments on posts: stored as a separate kind of conversation, answered and moderated."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, number, tenant_table, text, unique, uuid_column

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "heard_remarks",
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        text("platform"),
        text("native_id"),
        text("author"),
        inside("creator_id", "creators"),
        unique("heard_remarks_once", "channel_id", "native_id"),
        write=("gate",),
    )
    tenant_table(
        "remark_cursors",
        uuid_column("channel_id"),
        text("cursor"),
        instant("heard_at"),
        instant("due_at"),
        inside("channel_id", "channels"),
        unique("remark_cursors_channel", "channel_id"),
    )
    op.add_column("conversations", sa.Column("kind", sa.String(), nullable=False, server_default="private"))
    op.drop_constraint("conversations_once", "conversations")
    op.create_unique_constraint("conversations_once", "conversations", ["tenant_id", "fan_id", "channel_id", "kind"])
    tenant_table(
        "remarks",
        uuid_column("creator_id"),
        uuid_column("conversation_id"),
        uuid_column("channel_id"),
        number("seq"),
        text("native_id"),
        text("under"),
        text("url"),
        instant("said_at", nullable=True),
        text("state"),
        inside("creator_id", "creators"),
        inside("conversation_id", "conversations"),
        inside("channel_id", "channels"),
        unique("remarks_once", "channel_id", "native_id"),
        unique("remarks_line", "conversation_id", "seq"),
    )
    op.create_index(
        "remarks_open",
        "remarks",
        ["tenant_id", "creator_id"],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("conversations_public", "conversations", ["tenant_id", "creator_id", "kind", "owner", "last_in_at"])
    op.add_column("composings", sa.Column("suggested", sa.String(), nullable=False, server_default=""))
    op.add_column("drafts", uuid_column("remark_id", nullable=True))
    op.create_foreign_key("drafts_remark", "drafts", "remarks", ["tenant_id", "remark_id"], ["tenant_id", "id"])


def downgrade() -> None:
    op.drop_constraint("drafts_remark", "drafts")
    op.drop_column("drafts", "remark_id")
    op.drop_column("composings", "suggested")
    op.drop_table("remarks")
    op.drop_index("conversations_public", "conversations")
    op.execute("DELETE FROM conversations WHERE kind <> 'private'")
    op.drop_constraint("conversations_once", "conversations")
    op.create_unique_constraint("conversations_once", "conversations", ["tenant_id", "fan_id", "channel_id"])
    op.drop_column("conversations", "kind")
    op.drop_table("remark_cursors")
    op.drop_table("heard_remarks")
