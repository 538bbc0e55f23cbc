"""A/B tests of two versions of a recurring post."""

from alembic import op

from migrations.tools import inside, instant, number, tenant_table, text, uuid_column

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "post_tests",
        uuid_column("creator_id"),
        uuid_column("a_id"),
        uuid_column("b_id"),
        uuid_column("channel_id"),
        text("metric"),
        number("age_hours"),
        number("planned"),
        text("by"),
        instant("ended_at", nullable=True),
        text("ended_by"),
        text("kept"),
        inside("creator_id", "creators"),
        inside("channel_id", "channels"),
        inside("a_id", "posts"),
        inside("b_id", "posts"),
    )
    op.create_index("post_tests_creator", "post_tests", ["tenant_id", "creator_id", "created_at"])
    op.add_column("series", uuid_column("test_id", nullable=True))
    op.create_foreign_key(None, "series", "post_tests", ["tenant_id", "test_id"], ["tenant_id", "id"])
    op.create_unique_constraint("series_test", "series", ["tenant_id", "test_id"])
    op.add_column("deliveries", text("variant", nullable=True))


def downgrade() -> None:
    op.drop_column("deliveries", "variant")
    op.drop_column("series", "test_id")
    op.drop_table("post_tests")
