"""Registered links of a creator, signed by the member who declared their target."""

from alembic import op

from migrations.tools import text, uuid_column

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("TRUNCATE link_targets")  # this table had no writers before this release
    op.add_column("link_targets", uuid_column("creator_id"))
    op.add_column("link_targets", text("by"))
    op.drop_constraint("link_targets_url", "link_targets")
    op.create_unique_constraint("link_targets_url", "link_targets", ["tenant_id", "creator_id", "url"])
    op.create_foreign_key(
        "link_targets_creator", "link_targets", "creators", ["tenant_id", "creator_id"], ["tenant_id", "id"]
    )
    op.create_index("link_targets_host", "link_targets", ["tenant_id", "final_host"])


def downgrade() -> None:
    op.execute("TRUNCATE link_targets")
    op.drop_index("link_targets_host", "link_targets")
    op.drop_constraint("link_targets_creator", "link_targets")
    op.drop_constraint("link_targets_url", "link_targets")
    op.create_unique_constraint("link_targets_url", "link_targets", ["tenant_id", "url"])
    op.drop_column("link_targets", "by")
    op.drop_column("link_targets", "creator_id")
