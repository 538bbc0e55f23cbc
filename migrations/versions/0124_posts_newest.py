"""Posts are listed by when they were made: the ids of those that a file brought in say nothing of
it."""

from alembic import op

revision = "0124"
down_revision = "0123"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("posts_newest", "posts", ["tenant_id", "created_at", "id"])


def downgrade() -> None:
    op.drop_index("posts_newest", "posts")
