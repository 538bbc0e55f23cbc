"""Permissions to send a creator's pictures to an external engine: the member, the time, and the
terms read."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, tenant_table, text, uuid_column

revision = "0111"
down_revision = "0110"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "outgoing_grants",
        uuid_column("creator_id"),
        text("engine"),
        text("by"),
        text("words"),
        instant("revoked_at", nullable=True),
        text("revoked_by", nullable=True),
        inside("creator_id", "creators"),
    )
    stands = sa.text("revoked_at IS NULL")
    columns = ["tenant_id", "creator_id", "engine"]
    op.create_index("outgoing_grants_stands", "outgoing_grants", columns, unique=True, postgresql_where=stands)


def downgrade() -> None:
    op.drop_table("outgoing_grants")
