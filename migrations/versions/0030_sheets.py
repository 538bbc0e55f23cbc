"""Pictures displayed to reviewers, reviews made as one decision, and batches of uploads."""

from alembic import op

from migrations.tools import inside, tenant_table, text, uuid_column

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # append-only: a record of a display is final
    tenant_table(
        "showings",
        uuid_column("principal_id"),
        text("sha256"),
        inside("principal_id", "principals"),
        append_only=True,
    )
    op.create_index("showings_who", "showings", ["tenant_id", "principal_id", "sha256", "created_at"])
    op.add_column("human_reviews", uuid_column("sheet", nullable=True))
    op.add_column("uploads", uuid_column("batch", nullable=True))


def downgrade() -> None:
    op.drop_column("uploads", "batch")
    op.drop_column("human_reviews", "sheet")
    op.drop_table("showings")
