"""Platform roles of age-verified readers."""

from alembic import op

from migrations import tools

revision = "0099"
down_revision = "0098"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tools.tenant_table(
        "fan_roles",
        tools.uuid_column("channel_id"),
        tools.text("user_id"),
        tools.text("role"),
        tools.flag("wanted"),
        tools.flag("stands", nullable=True),
        tools.instant("since"),
        tools.jsonb("reason", nullable=True),
        tools.inside("channel_id", "channels"),
        tools.unique("fan_roles_once", "channel_id", "user_id", "role"),
    )
    op.create_index("fan_roles_reader", "fan_roles", ["tenant_id", "user_id"])


def downgrade() -> None:
    op.drop_table("fan_roles")
