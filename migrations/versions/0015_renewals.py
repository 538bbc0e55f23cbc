"""Token renewal: age of a token pair, lease of the renewal, and reliability of the refresh token.
"""

import sqlalchemy as sa
from alembic import op

from migrations.tools import instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tokens", instant("since", nullable=True))
    op.add_column("tokens", instant("refresh_until", nullable=True))
    op.add_column("tokens", sa.Column("refused", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("tokens", sa.Column("doubts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("tokens", instant("doubted_at", nullable=True))
    op.create_check_constraint("tokens_refresh_state", "tokens", "refresh_state IN ('idle', "
                                                                 "'asking')")


def downgrade() -> None:
    op.drop_constraint("tokens_refresh_state", "tokens", type_="check")
    for column in ("doubted_at", "doubts", "refused", "refresh_until", "since"):
        op.drop_column("tokens", column)
