"""Five bands of the blocklist's perceptual hashes, each with an index, so that a picture is no
longer compared with all."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

LOOK = "CASE WHEN phash ~ '^[0-9a-f]{16}$' THEN CAST(CAST('x' || phash AS bit(64)) AS bigint) END"
PIECES = ((0, 13), (13, 13), (26, 13), (39, 13), (52, 12))
"""The lowest bit and the number of bits of each band."""


def upgrade() -> None:
    for n, (below, bits) in enumerate(PIECES):
        op.execute(
            f"ALTER TABLE blocklist ADD COLUMN band{n} smallint"
            f" GENERATED ALWAYS AS (CAST((({LOOK}) >> {below}) & {(1 << bits) - 1} AS smallint)) "
            "STORED"
        )
        op.execute(f"CREATE INDEX blocklist_band{n} ON blocklist (band{n})")


def downgrade() -> None:
    for n in range(len(PIECES)):
        op.drop_column("blocklist", f"band{n}")
