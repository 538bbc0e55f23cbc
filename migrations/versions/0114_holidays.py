"""Public holidays as quiet days: the choice of an agency, and of a creator instead."""

from alembic import op

from migrations.tools import jsonb, tenant_table, text, unique, uuid_column

revision = "0114"
down_revision = "0113"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "holiday_choices",
        uuid_column("of_id"),
        text("country"),
        text("region"),
        jsonb("left_out"),
        unique("holiday_choices_tenant_id_of_id_key", "of_id"),
    )


def downgrade() -> None:
    op.drop_table("holiday_choices")
