"""When an account last failed and its token was last refused, and how often writes failed in a row.

An answer to a request that left before the failure proves nothing, and a single refusal of a young
token is no proof that it is dead.
"""

import sqlalchemy as sa
from alembic import op

revision = "0125"
down_revision = "0124"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rate_buckets", sa.Column("failed_at", sa.DateTime(timezone=True)))
    op.add_column(
        "rate_buckets",
        sa.Column("write_failures", sa.Integer(), nullable=False, server_default="0"),
    )
    op.add_column("rate_buckets", sa.Column("writes_after", sa.DateTime(timezone=True)))
    op.add_column("tokens", sa.Column("refused_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("tokens", "refused_at")
    for name in ("writes_after", "write_failures", "failed_at"):
        op.drop_column("rate_buckets", name)
