"""Automatic renewal of pasted tokens for Instagram and Threads, including existing ones."""

from alembic import op

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None

_OF_META = (
    "FROM channels c WHERE c.tenant_id = t.tenant_id AND c.id = t.channel_id AND c.platform IN "
    "('instagram', 'threads')"
)


def upgrade() -> None:
    # Their real expiry is unknown until the first renewal; tokens older than some days are due at
    # once.
    _every_agency_s(
        "UPDATE tokens t SET refresh_box = t.box, expires_at = house_now() + interval '3 days'"
        f" {_OF_META} AND t.refresh_box IS NULL"
    )


def downgrade() -> None:
    _every_agency_s(f"UPDATE tokens t SET refresh_box = NULL, expires_at = NULL {_OF_META}")


def _every_agency_s(change: str) -> None:
    """Change rows of all agencies, which row-level security otherwise hides from the owner of the
    tables."""
    for table in ("tokens", "channels"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(change)
    for table in ("tokens", "channels"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
