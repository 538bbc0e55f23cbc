"""Pictures from paid engines: orders with prices, and monthly spending caps of agencies."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, number, tenant_table, text, unique, uuid_column

revision = "0082"
down_revision = "0081"
branch_labels = None
depends_on = None

PRICED = sa.Numeric(14, 4)


def upgrade() -> None:
    tenant_table(
        "spending_caps", text("currency"), number("minor", big=True), unique("spending_caps_currency", "currency")
    )
    tenant_table(
        "engine_orders",
        uuid_column("creator_id"),
        uuid_column("job_id"),
        number("number"),
        text("engine"),
        text("model"),
        sa.Column("minor", PRICED, nullable=False),
        text("currency"),
        text("month"),
        text("state"),
        text("remote_id"),
        instant("asked_at", nullable=True),
        inside("creator_id", "creators"),
        inside("job_id", "jobs"),
        unique("engine_orders_picture", "job_id", "number"),
    )
    op.create_index("engine_orders_month", "engine_orders", ["tenant_id", "currency", "month"])
    for name in ("creations", "erased_pictures"):
        op.alter_column(name, "cost", type_=PRICED)


def downgrade() -> None:
    for name in ("creations", "erased_pictures"):
        op.alter_column(name, "cost", type_=sa.Integer(), postgresql_using="ceil(cost)::integer")
    op.drop_table("engine_orders")
    op.drop_table("spending_caps")
