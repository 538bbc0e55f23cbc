"""Labels of posts, defined by an agency."""

from alembic import op

from migrations.tools import inside, tenant_table, text, unique, uuid_column

revision = "0106"
down_revision = "0105"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table("labels", text("name"), text("folded"), text("colour"), unique("labels_name", "folded"))
    tenant_table(
        "post_labels",
        uuid_column("creator_id"),
        uuid_column("post_id"),
        uuid_column("label_id"),
        inside("creator_id", "creators"),
        inside("post_id", "posts"),
        inside("label_id", "labels"),
        unique("post_labels_once", "post_id", "label_id"),
    )
    op.create_index("post_labels_label", "post_labels", ["tenant_id", "label_id", "post_id"])


def downgrade() -> None:
    op.drop_table("post_labels")
    op.drop_table("labels")
