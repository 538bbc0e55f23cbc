"""Fingerprints that find similar posts, and members' permissions for repeats."""

from alembic import op

from migrations.tools import inside, number, tenant_table, text, unique, uuid_column

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Six rows per post, whose creator is the post's. A foreign key to the creator would be checked
    # sixty thousand times for a large file.
    tenant_table(
        "post_prints",
        uuid_column("creator_id"),
        uuid_column("post_id"),
        number("mark", big=True),
        text("kind"),
        number("letters", nullable=True, big=True),
        inside("post_id", "posts"),
    )
    op.create_index("post_prints_mark", "post_prints", ["tenant_id", "creator_id", "mark"])
    op.create_index("post_prints_post", "post_prints", ["post_id"])
    tenant_table(
        "repeat_words",
        uuid_column("creator_id"),
        uuid_column("delivery_id"),
        text("digest"),
        uuid_column("like_id"),
        text("like_digest"),
        text("by"),
        inside("creator_id", "creators"),
        inside("delivery_id", "deliveries"),
        unique("repeat_words_once", "delivery_id", "digest", "like_id", "like_digest"),
        append_only=True,
    )


def downgrade() -> None:
    for table in ("repeat_words", "post_prints"):
        op.drop_table(table)
