"""The profile of a creator: state, biography, picture, posts per day and responsible members."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0137"
down_revision = "0136"
branch_labels = None
depends_on = None

NAMES = ("state", "biography", "avatar", "posts_per_day", "responsible")


def upgrade() -> None:
    op.add_column(
        "creators", sa.Column("state", sa.String(), nullable=False, server_default="active")
    )
    op.add_column(
        "creators", sa.Column("biography", sa.String(), nullable=False, server_default="")
    )
    op.add_column("creators", sa.Column("avatar", sa.String()))
    op.add_column("creators", sa.Column("posts_per_day", sa.Integer()))
    op.add_column(
        "creators", sa.Column("responsible", JSONB(), nullable=False, server_default="[]")
    )
    op.create_check_constraint(
        "creators_state", "creators", "state IN ('active', 'inactive', 'archived')"
    )


def downgrade() -> None:
    op.drop_constraint("creators_state", "creators")
    for name in reversed(NAMES):
        op.drop_column("creators", name)
