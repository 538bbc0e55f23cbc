"""Progress of an upscaled copy."""

import sqlalchemy as sa
from alembic import op

revision = "0116"
down_revision = "0115"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("step", "steps"):
        op.add_column("picture_copies", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    for name in ("steps", "step"):
        op.drop_column("picture_copies", name)
