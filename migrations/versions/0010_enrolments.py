"""Account setups from the dashboard with their sealed forms, and refresh tokens."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, jsonb, tenant_table, text, uuid_column

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "enrolments",
        uuid_column("creator_id"),
        text("platform"),
        text("state"),
        jsonb("reason", nullable=True),
        uuid_column("channel_id", nullable=True),
        sa.Column("letter", sa.LargeBinary(), nullable=False),
        inside("creator_id", "creators"),
        sa.CheckConstraint("state IN ('waiting', 'connected', 'refused')", name="enrolments_state"),
    )
    op.add_column("tokens", sa.Column("refresh_box", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("tokens", "refresh_box")
    op.drop_table("enrolments")
