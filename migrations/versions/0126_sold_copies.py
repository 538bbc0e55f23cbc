"""Packs sent again or unlocked by a subscription count as sold copies, so that a recall includes
them."""

from alembic import op

revision = "0126"
down_revision = "0125"
branch_labels = None
depends_on = None

_SOLD = """
UPDATE permits SET sold = true
WHERE NOT sold AND (subject_kind = 'fulfilment' OR subject_kind = 'draft' AND media <> '[]')
"""
"""Chat messages contain media only as part of a pack."""


def upgrade() -> None:
    # the owner's connection has no tenant, so the rows of all agencies are filled at once
    op.execute("ALTER TABLE permits NO FORCE ROW LEVEL SECURITY")
    op.execute(_SOLD)
    op.execute("ALTER TABLE permits FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    pass
