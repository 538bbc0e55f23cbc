"""Saved snippets of the composer, and versions of its unsaved drafts."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import audit_table, inside, stop_auditing, tenant_table, text, uuid_column

revision = "0145"
down_revision = "0144"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "snippets",
        uuid_column("creator_id", nullable=True),
        text("kind"),
        text("name"),
        text("text"),
        inside("creator_id", "creators"),
        sa.UniqueConstraint(
            "tenant_id",
            "creator_id",
            "name",
            name="snippets_name",
            postgresql_nulls_not_distinct=True,
        ),
    )
    audit_table("snippets", "kind name")
    op.add_column(
        "unsaved_posts", sa.Column("version", sa.BigInteger(), nullable=False, server_default="1")
    )


def downgrade() -> None:
    op.drop_column("unsaved_posts", "version")
    stop_auditing("snippets")
    op.drop_table("snippets")
