"""API keys created by another key end with it."""

import sqlalchemy as sa
from alembic import op

revision = "0134"
down_revision = "0133"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("made_with", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "api_keys_made_with",
        "api_keys",
        "api_keys",
        ["tenant_id", "made_with"],
        ["tenant_id", "id"],
    )
    op.execute("GRANT SELECT (made_with) ON api_keys TO door")


def downgrade() -> None:
    op.drop_column("api_keys", "made_with")
