"""Setup links of the first owner, purposes of sign-in links, and currency and languages of
agencies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tools import instant, tenant_table, text, unique, uuid_column

revision = "0136"
down_revision = "0135"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "setup_links",
        text("digest"),
        text("email"),
        uuid_column("agency_id"),
        instant("expires_at"),
        unique("setup_links_digest", "digest"),
        write=("door",),
    )
    op.add_column(
        "login_links",
        sa.Column("purpose", sa.String(), nullable=False, server_default="sign_in"),
    )
    op.add_column(
        "agencies", sa.Column("currency", sa.String(), nullable=False, server_default="EUR")
    )
    op.add_column(
        "agencies",
        sa.Column(
            "languages",
            JSONB(),
            nullable=False,
            server_default=sa.text("'[]'::jsonb"),
        ),
    )
    op.add_column(
        "agencies",
        sa.Column("named", sa.Boolean(), nullable=False, server_default=sa.text("true")),
    )


def downgrade() -> None:
    for column in ("named", "languages", "currency"):
        op.drop_column("agencies", column)
    op.drop_column("login_links", "purpose")
    op.drop_table("setup_links")
