"""AI weekly plans: proposals from a brief, line by line."""

from alembic import op

from migrations.tools import inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "week_plans",
        uuid_column("creator_id"),
        text("key"),
        text("by"),
        jsonb("brief"),
        instant("expires_at"),
        instant("written_at", nullable=True),
        unique("week_plans_key", "key"),
    )
    op.create_index("week_plans_creator", "week_plans", ["tenant_id", "creator_id", "expires_at"])
    tenant_table(
        "week_lines",
        uuid_column("creator_id"),
        uuid_column("plan_id"),
        number("number"),
        jsonb("channels"),
        text("wall_time"),
        text("zone"),
        text("hour_from"),
        uuid_column("recipe_id", nullable=True),
        text("topic"),
        text("body"),
        text("words_by"),
        text("state"),
        uuid_column("post_id", nullable=True),
        number("version"),
        inside("plan_id", "week_plans"),
        inside("post_id", "posts"),
        unique("week_lines_number", "plan_id", "number"),
    )


def downgrade() -> None:
    op.drop_table("week_lines")
    op.drop_table("week_plans")
