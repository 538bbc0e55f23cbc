"""Wildcard lists of recipes with versions, and the versions used by a run."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tools import flag, inside, jsonb, number, tenant_table, text, uuid_column

revision = "0117"
down_revision = "0116"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "word_lists",
        uuid_column("creator_id", nullable=True),
        text("name"),
        number("version"),
        jsonb("words"),
        jsonb("weights"),
        text("by"),
        flag("retired"),
        inside("creator_id", "creators"),
        sa.UniqueConstraint(
            "tenant_id",
            "creator_id",
            "name",
            "version",
            name="word_lists_version",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.add_column("jobs", sa.Column("lists", JSONB(), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("jobs", "lists")
    op.drop_table("word_lists")
