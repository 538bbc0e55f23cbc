"""Former handles of creators' pages, whose addresses redirect to the current ones."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0173"
down_revision = "0172"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "sites",
        sa.Column("former_slugs", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    )
    # Every unknown address of the public server looks for a former handle.
    op.create_index("sites_former_slugs", "sites", ["former_slugs"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("sites_former_slugs", "sites")
    op.drop_column("sites", "former_slugs")
