"""Time since which an account added to a post has been pending separate approval."""

from alembic import op

from migrations.tools import instant

revision = "0095"
down_revision = "0094"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", instant("asks_since", nullable=True))


def downgrade() -> None:
    op.drop_column("deliveries", "asks_since")
