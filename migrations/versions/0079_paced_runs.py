"""Progress and waits of recipe runs, time and cost of pictures, and limits of agencies."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, number, tenant_table, text, unique, uuid_column

revision = "0079"
down_revision = "0078"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("step", "steps"):
        op.add_column("jobs", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", instant("waits_until", nullable=True))
    op.add_column("jobs", sa.Column("waits_for", sa.String(), nullable=False, server_default=""))
    op.add_column("creations", sa.Column("seconds", sa.Float(), nullable=True))
    op.add_column("creations", number("cost", nullable=True))
    op.add_column("creations", text("currency", nullable=True))
    op.create_index(
        "creations_made", "creations", ["tenant_id", "created_at"], postgresql_where=sa.text("job_id IS NOT NULL")
    )
    tenant_table(
        "generation_limits",
        uuid_column("creator_id", nullable=True),
        number("opens", nullable=True),
        number("closes", nullable=True),
        number("per_day", nullable=True),
        inside("creator_id", "creators"),
        unique("generation_limits_creator", "creator_id"),
    )


def downgrade() -> None:
    op.drop_table("generation_limits")
    op.drop_index("creations_made", "creations")
    for name in ("seconds", "cost", "currency"):
        op.drop_column("creations", name)
    for name in ("step", "steps", "waits_until", "waits_for"):
        op.drop_column("jobs", name)
