"""Routines of creators and their daily steps."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import (
    flag,
    inside,
    instant,
    jsonb,
    number,
    tenant_table,
    text,
    unique,
    uuid_column,
)

revision = "0143"
down_revision = "0142"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "routines",
        uuid_column("creator_id"),
        flag("active"),
        jsonb("plan"),
        number("version"),
        inside("creator_id", "creators"),
        unique("routines_tenant_id_creator_id_key", "creator_id"),
    )
    tenant_table(
        "routine_steps",
        *(uuid_column(name) for name in ("creator_id", "routine_id")),
        sa.Column("day", sa.Date(), nullable=False),
        *(text(name) for name in ("name", "kind", "slot", "state")),
        *(instant(name) for name in ("due_at", "over_at")),
        jsonb("reason", nullable=True),
        jsonb("results"),
        *(instant(name, nullable=True) for name in ("started_at", "ended_at")),
        inside("routine_id", "routines"),
        unique("routine_steps_tenant_id_creator_id_day_name_key", "creator_id", "day", "name"),
        sa.CheckConstraint(
            "state IN ('due', 'running', 'done', 'skipped', 'failed')", name="routine_steps_state"
        ),
    )


def downgrade() -> None:
    op.drop_table("routine_steps")
    op.drop_table("routines")
