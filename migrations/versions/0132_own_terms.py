"""Terms that an agency adds to the lexicon of the text check."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, tenant_table, text, uuid_column

revision = "0132"
down_revision = "0131"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "own_terms",
        *(text(name) for name in ("kind", "term", "by")),
        uuid_column("ended_by", nullable=True),
        flag("open"),
        sa.CheckConstraint(
            "kind IN ('explicit', 'nudity', 'suggestive', 'minor', 'minor_context', 'prohibited')",
            name="own_terms_kind",
        ),
        write=("gate",),
    )
    op.create_index(
        "own_terms_once",
        "own_terms",
        ["tenant_id", "kind", "term"],
        unique=True,
        postgresql_where=sa.text("open"),
    )


def downgrade() -> None:
    op.drop_table("own_terms")
