"""Unsaved drafts of the composer."""

from alembic import op

from migrations.tools import flag, inside, jsonb, tenant_table, text, unique, uuid_column

revision = "0133"
down_revision = "0132"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "unsaved_posts",
        uuid_column("creator_id"),
        uuid_column("member_id"),
        uuid_column("subject_id"),
        flag("is_new"),
        jsonb("fields"),
        text("seen"),
        inside("creator_id", "creators"),
        inside("member_id", "members"),
        unique("unsaved_posts_once", "member_id", "subject_id"),
    )


def downgrade() -> None:
    op.drop_table("unsaved_posts")
