"""Reasons for rejected removal requests, for the requester; perceptual hashes as numbers, which are
compared eight times faster."""

from alembic import op

from migrations.tools import TENANT, jsonb

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("complaints", jsonb("reason", nullable=True))
    for table in ("blocklist", "renditions"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN look bigint"
            " GENERATED ALWAYS AS (CASE WHEN phash ~ '^[0-9a-f]{16}$'"
            " THEN CAST(CAST('x' || phash AS bit(64)) AS bigint) END) STORED"
        )


    # evaluated once per statement instead of once per row, since a picture is compared with every
    # row
    once = "tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid)"
    op.execute(f"ALTER POLICY tenant ON blocklist USING ({once})")


def downgrade() -> None:
    op.execute(f"ALTER POLICY tenant ON blocklist USING ({TENANT})")
    for table in ("blocklist", "renditions"):
        op.drop_column(table, "look")
    op.drop_column("complaints", "reason")
