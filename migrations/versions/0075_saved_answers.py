"""Saved replies of members for chats and comments."""

from alembic import op

from migrations.tools import inside, number, tenant_table, text, unique, uuid_column

revision = "0075"
down_revision = "0074"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "saved_answers",
        uuid_column("creator_id"),
        text("name"),
        text("words"),
        text("language"),
        text("place"),
        number("uses"),
        inside("creator_id", "creators"),
        unique("saved_answers_name", "creator_id", "name"),
    )


def downgrade() -> None:
    op.drop_table("saved_answers")
