"""Names of uploaded files, shown where an asset has no alt text."""

import sqlalchemy as sa
from alembic import op

revision = "0171"
down_revision = "0162"
branch_labels = None
depends_on = None

_NAMED = """
UPDATE creations SET file_name = uploads.name FROM uploads
  WHERE uploads.tenant_id = creations.tenant_id AND uploads.asset_id = creations.asset_id
"""


def upgrade() -> None:
    op.add_column(
        "creations", sa.Column("file_name", sa.String(), nullable=False, server_default="")
    )
    # the owner's connection has no tenant, so the rows of all agencies are filled at once
    for table in ("creations", "uploads"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_NAMED)
    for table in ("creations", "uploads"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_column("creations", "file_name")
