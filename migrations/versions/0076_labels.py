"""Labels of pictures, such as placeholders, that must not pass as photographs, and members'
exceptions for single pictures."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, tenant_table, text, uuid_column

revision = "0076"
down_revision = "0075"
branch_labels = None
depends_on = None

_KNOWN = """
UPDATE assets SET label = c.label FROM creations c
WHERE c.tenant_id = assets.tenant_id AND c.asset_id = assets.id AND c.label <> ''
"""
_MADE_FROM = """
WITH RECURSIVE line AS (
  SELECT tenant_id, id, label FROM assets WHERE label <> ''
  UNION
  SELECT a.tenant_id, a.id, l.label FROM line l
  JOIN assets a ON a.tenant_id = l.tenant_id AND a.parent_id = l.id WHERE a.label = '')
UPDATE assets SET label = (SELECT min(l.label) FROM line l WHERE l.tenant_id = assets.tenant_id
AND l.id = assets.id)
WHERE label = '' AND EXISTS (SELECT FROM line l WHERE l.tenant_id = assets.tenant_id AND l.id =
assets.id)
"""
_SHOWN = """
UPDATE creations SET label = a.label FROM assets a
WHERE a.tenant_id = creations.tenant_id AND a.id = creations.asset_id AND creations.label <> a.label
"""


def upgrade() -> None:
    op.add_column("assets", sa.Column("label", sa.String(), nullable=False, server_default=""))
    op.alter_column("assets", "label", server_default=None)
    tenant_table(
        "label_lifts",
        uuid_column("asset_id"),
        text("by"),
        text("why"),
        flag("open"),
        text("ended_by"),
        inside("asset_id", "assets"),
        write=("gate",),
    )
    op.create_index(
        "label_lifts_once", "label_lifts", ["tenant_id", "asset_id"], unique=True, postgresql_where=sa.text("open")
    )
    # the owner's connection has no tenant, so the rows of all agencies are filled at once
    for table in ("assets", "creations"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    for statement in (_KNOWN, _MADE_FROM, _SHOWN):
        op.execute(statement)
    for table in ("assets", "creations"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_table("label_lifts")
    op.drop_column("assets", "label")
