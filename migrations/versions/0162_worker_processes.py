"""Running worker processes with their capacity, and the device of a claimed row."""

from alembic import op

from migrations.tools import jsonb, number, tenant_table, text, uuid_column

revision = "0162"
down_revision = "0161"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "worker_processes",
        uuid_column("run"),
        text("node"),
        text("process"),
        jsonb("capacity"),
        jsonb("models"),
        number("beat"),
        write=("relay",),
    )
    op.add_column("outbox", uuid_column("device_id", nullable=True))


def downgrade() -> None:
    op.drop_column("outbox", "device_id")
    op.drop_table("worker_processes")
