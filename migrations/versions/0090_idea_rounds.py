"""AI post ideas, based on the results of past posts."""

from alembic import op

from migrations.tools import instant, jsonb, tenant_table, text, unique, uuid_column

revision = "0090"
down_revision = "0089"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "idea_rounds",
        uuid_column("creator_id"),
        text("key"),
        text("by"),
        jsonb("brief"),
        jsonb("ideas"),
        jsonb("lacks"),
        jsonb("dismissed"),
        text("label"),
        instant("written_at", nullable=True),
        unique("idea_rounds_key", "key"),
    )
    op.create_index("idea_rounds_newest", "idea_rounds", ["tenant_id", "creator_id", "created_at"])


def downgrade() -> None:
    op.drop_table("idea_rounds")
