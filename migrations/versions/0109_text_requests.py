"""Costs of text models, per request."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, number, tenant_table, text, uuid_column

revision = "0109"
down_revision = "0108"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "text_requests",
        uuid_column("creator_id"),
        text("purpose"),
        uuid_column("subject_id"),
        uuid_column("sitting"),
        text("engine"),
        text("model"),
        text("state"),
        number("tokens_in", nullable=True),
        number("tokens_out", nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("minor", sa.Numeric(14, 4), nullable=True),
        text("currency", nullable=True),
        text("month"),
        inside("creator_id", "creators"),
    )
    op.create_index("text_requests_month", "text_requests", ["tenant_id", "creator_id", "month"])
    op.create_index("text_requests_subject", "text_requests", ["tenant_id", "subject_id"])
    op.create_index("text_requests_sitting", "text_requests", ["tenant_id", "sitting"])
    runs = sa.text("job_id IS NOT NULL")
    op.create_index("creations_run", "creations", ["tenant_id", "job_id"], postgresql_where=runs)


def downgrade() -> None:
    op.drop_index("creations_run", "creations")
    op.drop_table("text_requests")
