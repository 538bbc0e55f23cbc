"""Metadata of the journal of prohibitions, whose entries are stored outside the database."""

from migrations.tools import number, tenant_table, text, unique
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "gate_journal",
        number("number", big=True),
        text("digest"),
        unique("gate_journal_number", "number"),
        write=("gate",),
    )


def downgrade() -> None:
    op.drop_table("gate_journal")
