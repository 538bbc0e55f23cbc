"""The agency's answer to the offer to require approvals for all creators."""

import sqlalchemy as sa
from alembic import op

revision = "0176"
down_revision = "0174"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "agencies", sa.Column("approval_offer", sa.String(), nullable=False, server_default="")
    )


def downgrade() -> None:
    op.drop_column("agencies", "approval_offer")
