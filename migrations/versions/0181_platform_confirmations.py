"""Confirmations by owners that the rules of a platform are unchanged."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import jsonb, tenant_table, text, uuid_column

revision = "0181"
down_revision = "0180"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "platform_confirmations",
        text("platform"),
        text("written"),
        text("bundle"),
        jsonb("urls"),
        sa.Column("read_on", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        uuid_column("by"),
        sa.CheckConstraint("until <= read_on + 180", name="platform_confirmations_end"),
        write=("gate",),
    )
    op.create_index(
        "platform_confirmations_platform", "platform_confirmations", ["tenant_id", "platform"]
    )
    op.execute(
        "CREATE FUNCTION platform_confirmations_by_owner() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN IF NOT EXISTS (SELECT FROM members m WHERE m.tenant_id = NEW.tenant_id"
        ' AND m.principal_id = NEW."by" AND '"m.role = 'owner' AND m.active) THEN"
        " RAISE EXCEPTION 'only an owner confirms the rules of a platform'; END IF;"
        " RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER platform_confirmations_by_owner BEFORE INSERT ON platform_confirmations"
        " FOR EACH ROW EXECUTE FUNCTION platform_confirmations_by_owner()"
    )


def downgrade() -> None:
    op.drop_table("platform_confirmations")
    op.execute("DROP FUNCTION platform_confirmations_by_owner()")
