"""The tone, length and hashtags of a creator's texts, by network."""

import sqlalchemy as sa

from alembic import op
from migrations.tools import inside, number, tenant_table, text, unique, uuid_column

revision = "0141"
down_revision = "0140"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "writing_styles",
        uuid_column("creator_id"),
        *(text(name) for name in ("network", "tone", "length", "by")),
        number("hashtags", nullable=True),
        sa.CheckConstraint(
            "length IN ('', 'short', 'medium', 'long')", name="writing_styles_length"
        ),
        sa.CheckConstraint("hashtags BETWEEN 0 AND 8", name="writing_styles_hashtags"),
        inside("creator_id", "creators"),
        unique("writing_styles_once", "creator_id", "network"),
    )


def downgrade() -> None:
    op.drop_table("writing_styles")
