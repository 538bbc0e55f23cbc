"""Payment method of an order: an invoice, or unlocking paid media."""

import sqlalchemy as sa
from alembic import op

revision = "0105"
down_revision = "0104"
branch_labels = None
depends_on = None

_LOCKED = """
UPDATE orders SET way = 'locked' WHERE EXISTS (SELECT FROM drafts d
  WHERE d.tenant_id = orders.tenant_id AND d.order_id = orders.id AND d.kind = 'locked')
"""


def upgrade() -> None:
    op.add_column("orders", sa.Column("way", sa.String(), nullable=False, server_default="invoice"))
    # the owner's connection has no tenant, so the rows of all agencies are filled at once
    for table in ("orders", "drafts"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_LOCKED)
    for table in ("orders", "drafts"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_column("orders", "way")
