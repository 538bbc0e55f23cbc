"""OAuth applications that an agency registered on a platform."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import tenant_table, text, unique

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "oauth_clients",
        text("platform"),
        text("client_id"),
        sa.Column("box", sa.LargeBinary(), nullable=True),
        unique("oauth_clients_once", "platform", "client_id"),
    )


def downgrade() -> None:
    op.drop_table("oauth_clients")
