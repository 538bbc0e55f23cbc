"""Predictions with their model cards, scores of fans, and the installation of their packages."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import (
    inside,
    instant,
    jsonb,
    number,
    tenant_table,
    text,
    unique,
    uuid_column,
)

revision = "0156"
down_revision = "0155"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "predictions",
        uuid_column("creator_id"),
        *(text(name) for name in ("task", "subject", "state", "method", "baseline")),
        sa.Column("own_error", sa.Float(), nullable=True),
        sa.Column("baseline_error", sa.Float(), nullable=True),
        text("error_unit"),
        sa.Column("coverage", sa.Float(), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        text("split"),
        *(number(name) for name in ("samples", "version", "have", "need")),
        text("unit"),
        sa.Column("expected_on", sa.Date(), nullable=True),
        jsonb("parameters"),
        jsonb("result"),
        instant("selected_at", nullable=True),
        instant("computed_at"),
        unique("predictions_subject", "creator_id", "task", "subject"),
        inside("creator_id", "creators"),
    )
    tenant_table(
        "prediction_setups",
        text("state"),
        number("installed"),
        number("total"),
        text("package"),
        jsonb("reason", nullable=True),
        sa.UniqueConstraint("tenant_id", name="prediction_setups_tenant"),
    )
    tenant_table(
        "fan_scores",
        uuid_column("creator_id"),
        uuid_column("fan_id"),
        text("task"),
        text("currency"),
        sa.Column("chance", sa.Float(), nullable=True),
        sa.Column("purchases", sa.Float(), nullable=True),
        number("value_minor", nullable=True, big=True),
        number("low_minor", nullable=True, big=True),
        number("high_minor", nullable=True, big=True),
        text("grade"),
        instant("computed_at"),
        unique("fan_scores_of", "fan_id", "task", "currency"),
        inside("fan_id", "fans"),
    )
    op.create_index("fan_scores_of_creator", "fan_scores", ["tenant_id", "creator_id", "task"])


def downgrade() -> None:
    for table in ("fan_scores", "prediction_setups", "predictions"):
        op.drop_table(table)
