"""Order of posts by creation time, which the IDs of imported posts do not follow."""

from alembic import op

revision = "0124"
down_revision = "0123"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("posts_newest", "posts", ["tenant_id", "created_at", "id"])


def downgrade() -> None:
    op.drop_index("posts_newest", "posts")
