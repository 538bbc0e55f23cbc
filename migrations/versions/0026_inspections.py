"""Findings in pictures, by classifiers and by the inspection of the file."""

from alembic import op

from migrations.tools import flag, jsonb, number, tenant_table, text, unique

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "inspections",
        text("sha256"),
        text("source"),
        number("people", nullable=True),
        jsonb("words"),
        flag("hidden"),
        jsonb("turned"),
        text("returned"),
        unique("inspections_once", "sha256", "source"),
        write=("gate",),
    )


def downgrade() -> None:
    op.drop_table("inspections")
