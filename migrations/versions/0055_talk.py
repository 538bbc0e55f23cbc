"""Members' comments on posts; reasons for requested changes with the text concerned; notices for
one member."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, jsonb, number, tenant_table, text, uuid_column

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "comments",
        uuid_column("creator_id"),
        uuid_column("post_id"),
        uuid_column("thread_id", nullable=True),
        number("part"),
        uuid_column("asset_id", nullable=True),
        text("digest"),
        uuid_column("principal_id"),
        text("words"),
        jsonb("named"),
        flag("internal"),
        instant("resolved_at", nullable=True),
        uuid_column("resolved_by", nullable=True),
        inside("creator_id", "creators"),
        inside("post_id", "posts"),
        inside("thread_id", "comments"),
        inside("principal_id", "principals"),
    )
    op.create_index("comments_post", "comments", ["tenant_id", "post_id", "id"])
    op.add_column("approvals", sa.Column("why", sa.String(), nullable=False, server_default=""))
    op.add_column("approvals", jsonb("content", nullable=True))
    op.add_column("notices", uuid_column("principal_id", nullable=True))


def downgrade() -> None:
    op.drop_column("notices", "principal_id")
    op.drop_column("approvals", "content")
    op.drop_column("approvals", "why")
    op.drop_table("comments")
