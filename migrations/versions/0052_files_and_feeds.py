"""Imported files of posts, and feeds whose entries become drafts."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "imports",
        text("by"),
        text("name"),
        jsonb("creators"),
        text("digest"),
        number("turn"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        text("state"),
        flag("plan"),
        *(number(name) for name in ("done", "lines", "problems", "marks")),
        jsonb("report"),
        jsonb("reason", nullable=True),
        *(number(name) for name in ("posts", "taken", "left_before")),
        unique("imports_file", "digest", "turn"),
    )
    tenant_table(
        "feeds",
        uuid_column("creator_id"),
        text("url"),
        text("title"),
        jsonb("channels"),
        flag("paused"),
        text("etag"),
        text("modified"),
        flag("seeded"),
        instant("next_read_at"),
        instant("last_read_at", nullable=True),
        number("failures"),
        jsonb("reason", nullable=True),
        text("day"),
        number("today"),
        number("total"),
        inside("creator_id", "creators"),
        unique("feeds_address", "creator_id", "url"),
    )
    tenant_table(
        "feed_entries",
        uuid_column("creator_id"),
        uuid_column("feed_id"),
        text("guid"),
        inside("feed_id", "feeds"),
        unique("feed_entries_once", "feed_id", "guid"),
    )


def downgrade() -> None:
    for name in ("feed_entries", "feeds", "imports"):
        op.drop_table(name)
