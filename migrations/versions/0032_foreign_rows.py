"""Policy rows of third-party packages, as admitted by an agency's owner. Senders may read the shift
of the installation's clock, to compare their clock with the database's."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import tenant_table, text

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT SELECT (shift) ON house_clock TO app, gate, relay, auditor")
    tenant_table(
        "foreign_rows",
        *(text(name) for name in ("platform", "key", "admitted", "state", "by")),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(), sa.Computed("encode(sha256(document), 'hex')", persisted=True), nullable=True),
        sa.CheckConstraint("state IN ('active', 'ended')", name="foreign_rows_state"),
        write=("gate",),
    )
    op.execute("REVOKE DELETE ON foreign_rows FROM gate")
    op.create_index(
        "foreign_rows_active",
        "foreign_rows",
        ["tenant_id", "platform"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )
    # an admitted row does not change, and an ended one never returns; it must be admitted again
    op.execute(
        "CREATE FUNCTION foreign_rows_only_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF OLD.state <> 'active' OR NEW.state <> 'ended' OR NEW.document <> OLD.document"
        " OR NEW.platform <> OLD.platform OR NEW.key <> OLD.key OR NEW.admitted <> OLD.admitted"
        " THEN"
        " RAISE EXCEPTION 'rows that were admitted end, and nothing else'; END IF;"
        " RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER foreign_rows_only_end BEFORE UPDATE ON foreign_rows"
        " FOR EACH ROW EXECUTE FUNCTION foreign_rows_only_end()"
    )


def downgrade() -> None:
    op.execute("REVOKE SELECT (shift) ON house_clock FROM app, gate, relay, auditor")
    op.drop_table("foreign_rows")
    op.execute("DROP FUNCTION foreign_rows_only_end()")
