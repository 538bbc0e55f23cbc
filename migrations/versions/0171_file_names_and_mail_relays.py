"""Names of uploaded files, and mail relays without encryption."""

import sqlalchemy as sa
from alembic import op

revision = "0171"
down_revision = "0164"
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
    op.drop_constraint("mail_servers_security", "mail_servers")
    op.create_check_constraint(
        "mail_servers_security", "mail_servers", "security IN ('starttls', 'tls', 'none')"
    )


def downgrade() -> None:
    # without encryption, no server of this kind can be kept
    op.execute("ALTER TABLE mail_servers NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM mail_servers WHERE security = 'none'")
    op.execute("ALTER TABLE mail_servers FORCE ROW LEVEL SECURITY")
    op.drop_constraint("mail_servers_security", "mail_servers")
    op.create_check_constraint(
        "mail_servers_security", "mail_servers", "security IN ('starttls', 'tls')"
    )
    op.drop_column("creations", "file_name")
