"""Webhooks of an agency's application: the sealed secret, and the time of the last accepted call.
"""

import sqlalchemy as sa
from alembic import op

from migrations.tools import instant

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("oauth_clients", sa.Column("call_letter", sa.LargeBinary(), nullable=True))
    op.add_column("oauth_clients", instant("called_at", nullable=True))


def downgrade() -> None:
    op.drop_column("oauth_clients", "called_at")
    op.drop_column("oauth_clients", "call_letter")
