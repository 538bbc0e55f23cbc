"""Screenshots that prove a platform's duty was fulfilled in a manual task."""

import sqlalchemy as sa
from alembic import op

revision = "0131"
down_revision = "0130"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "handovers", sa.Column("screenshot", sa.String(), nullable=False, server_default="")
    )


def downgrade() -> None:
    op.drop_column("handovers", "screenshot")
