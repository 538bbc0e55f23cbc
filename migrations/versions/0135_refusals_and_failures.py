"""Time of an account's last failure and token refusal, and the number of consecutive failed writes.

A response to a request sent before the failure proves nothing, and a single refusal of a new token
does not prove that it is invalid.
"""

import sqlalchemy as sa
from alembic import op

revision = "0135"
down_revision = "0134"
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
