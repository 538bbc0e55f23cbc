"""Former handles of creators' pages, whose addresses redirect to the current ones, and languages
that members chose themselves."""

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
    op.add_column(
        "members",
        sa.Column("language_chosen", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    # Members who already sign in keep the language that they know.
    op.execute("UPDATE members SET language_chosen = true")


def downgrade() -> None:
    op.drop_column("members", "language_chosen")
    op.drop_index("sites_former_slugs", "sites")
    op.drop_column("sites", "former_slugs")
