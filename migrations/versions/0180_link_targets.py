"""What the redirect of a short link is judged by at each click: the creator, the address as it was
written, and the surface of the post. Links from before are judged by their creator alone."""

import sqlalchemy as sa
from alembic import op

revision = "0180"
down_revision = "0179"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("links", sa.Column("creator_id", sa.Uuid(), nullable=True))
    for name in ("address", "place"):
        op.add_column("links", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.execute(
        "UPDATE links l SET creator_id = c.creator_id FROM channels c"
        " WHERE c.tenant_id = l.tenant_id AND c.id = l.channel_id"
    )
    op.execute(
        "UPDATE links l SET creator_id = a.creator_id FROM acquisition_links a"
        " WHERE a.tenant_id = l.tenant_id AND a.id = l.subject_id AND l.subject_kind = 'acquisition'"
    )


def downgrade() -> None:
    for name in ("place", "address", "creator_id"):
        op.drop_column("links", name)
