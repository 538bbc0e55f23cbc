"""Removal requests of depicted people and others: web pages insert them, the gate decides."""

from alembic import op

from migrations.tools import inside, instant, jsonb, tenant_table, text, unique, uuid_column

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "complaints",
        uuid_column("creator_id"),
        *(text(name) for name in ("receipt", "category", "named", "source", "state")),
        jsonb("digests"),
        instant("called_at", nullable=True),
        inside("creator_id", "creators"),
        unique("complaints_receipt", "receipt"),
        write=("gate",),
    )
    op.execute("GRANT INSERT ON complaints TO app")
    op.create_index("complaints_source", "complaints", ["tenant_id", "source", "created_at"])


def downgrade() -> None:
    op.drop_table("complaints")
