"""Links for one approval or rejection without an account, which may include the scheduled time."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, tenant_table, text, unique, uuid_column

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "approval_links",
        uuid_column("creator_id"),
        uuid_column("post_id"),
        text("digest"),
        text("token"),
        text("name"),
        uuid_column("principal_id"),
        text("by"),
        instant("expires_at"),
        text("session"),
        instant("opened_at", nullable=True),
        text("ended"),
        instant("ended_at", nullable=True),
        inside("creator_id", "creators"),
        inside("post_id", "posts"),
        inside("principal_id", "principals"),
        unique("approval_links_token", "token"),
    )
    op.create_index("approval_links_found", "approval_links", ["token"])
    op.create_index("approval_links_post", "approval_links", ["tenant_id", "post_id", "id"])
    # a visitor with a link has no tenant yet
    op.execute("GRANT SELECT ON approval_links TO door")
    op.execute("CREATE POLICY door_finds ON approval_links FOR SELECT TO door USING (true)")
    op.add_column("creators", sa.Column("approve_times", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("creators", "approve_times")
    op.drop_table("approval_links")
