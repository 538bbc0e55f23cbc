"""Downtimes: deliveries missed together, and the members' decision about them."""

from alembic import op

from migrations.tools import tenant_table, text, uuid_column

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table("downtimes", text("state"), text("decided_by", nullable=True))
    op.execute("CREATE UNIQUE INDEX downtimes_open ON downtimes (tenant_id) WHERE state = 'open'")
    op.add_column("deliveries", uuid_column("downtime_id", nullable=True))
    op.create_foreign_key(None, "deliveries", "downtimes", ["tenant_id", "downtime_id"], ["tenant_id", "id"])
    op.execute(
        "CREATE INDEX deliveries_downtime ON deliveries (tenant_id, downtime_id) WHERE "
        "downtime_id IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_column("deliveries", "downtime_id")
    op.drop_table("downtimes")
