"""Disconnection of accounts by members, and pauses that outlast changes by the platform."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import jsonb

revision = "0112"
down_revision = "0111"
branch_labels = None
depends_on = None

BEFORE = "state IN ('active', 'paused', 'reauthorize', 'gone')"
AFTER = "state IN ('active', 'paused', 'reauthorize', 'gone', 'leaving', 'disconnected')"


def upgrade() -> None:
    op.add_column("channels", jsonb("rest", nullable=True))
    op.drop_constraint("channels_state", "channels")
    op.create_check_constraint("channels_state", "channels", sa.text(AFTER))


def downgrade() -> None:
    op.execute("UPDATE channels SET state = 'gone' WHERE state IN ('leaving', 'disconnected')")
    op.drop_constraint("channels_state", "channels")
    op.create_check_constraint("channels_state", "channels", sa.text(BEFORE))
    op.drop_column("channels", "rest")
