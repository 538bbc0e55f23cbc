"""Column mappings for statements with unknown headings, stored by heading."""

from alembic import op

from migrations.tools import jsonb, tenant_table, text, unique

revision = "0100"
down_revision = "0099"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "statement_columns",
        text("fingerprint"),
        jsonb("heading"),
        jsonb("columns"),
        text("by"),
        unique("statement_columns_heading", "fingerprint"),
    )


def downgrade() -> None:
    op.drop_table("statement_columns")
