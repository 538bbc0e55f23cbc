"""Column of members: the list of first steps on Home is hidden."""

from alembic import op

revision = "0151"
down_revision = "0144"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE members ADD COLUMN guide_hidden boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    op.execute("ALTER TABLE members DROP COLUMN guide_hidden")
