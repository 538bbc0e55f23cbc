"""Label checks of published posts."""

from alembic import op

from migrations.tools import jsonb

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("permits", jsonb("readback", nullable=True))


def downgrade() -> None:
    op.drop_column("permits", "readback")
