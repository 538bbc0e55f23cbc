"""AI texts for the composer."""

from alembic import op

from migrations.tools import instant, jsonb, tenant_table, text, unique, uuid_column

revision = "0084"
down_revision = "0083"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "text_kits",
        uuid_column("creator_id"),
        text("key"),
        uuid_column("draft"),
        text("by"),
        jsonb("wish"),
        jsonb("offers"),
        jsonb("lacks"),
        instant("written_at", nullable=True),
        unique("text_kits_key", "key"),
    )
    op.create_index("text_kits_draft", "text_kits", ["tenant_id", "creator_id", "draft", "created_at"])


def downgrade() -> None:
    op.drop_table("text_kits")
