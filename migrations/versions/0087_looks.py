"""Visual styles of a creator: the reference pictures, and the style of a run."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0087"
down_revision = "0086"
branch_labels = None
depends_on = None

_PARENTS = """
CREATE OR REPLACE VIEW asset_parents WITH (security_invoker = true) AS
SELECT tenant_id, id AS asset_id, parent_id, false AS part FROM assets
UNION ALL SELECT tenant_id, asset_id, part_id, {part} FROM asset_parts
"""

_JOBS = ("look", "pose_asset", "pose_weight", "region")


def upgrade() -> None:
    op.add_column("asset_parts", sa.Column("whole", sa.Boolean(), nullable=False, server_default="true"))
    op.execute(_PARENTS.format(part="whole"))
    tenant_table(
        "look_pictures",
        uuid_column("creator_id"),
        uuid_column("asset_id"),
        number("position"),
        text("by"),
        inside("creator_id", "creators"),
        inside("asset_id", "assets"),
        unique("look_pictures_once", "creator_id", "asset_id"),
    )
    op.add_column("jobs", sa.Column("look", jsonb("look").type, nullable=False, server_default="[]"))
    op.add_column("jobs", uuid_column("pose_asset", nullable=True))
    op.add_column("jobs", sa.Column("pose_weight", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("region", jsonb("region").type, nullable=False, server_default="{}"))
    op.create_foreign_key("jobs_pose_asset", "jobs", "assets", ["tenant_id", "pose_asset"], ["tenant_id", "id"])


def downgrade() -> None:
    op.drop_constraint("jobs_pose_asset", "jobs")
    for name in _JOBS:
        op.drop_column("jobs", name)
    op.drop_table("look_pictures")
    op.execute("DELETE FROM asset_parts WHERE NOT whole")
    op.execute(_PARENTS.format(part="true"))
    op.drop_column("asset_parts", "whole")
