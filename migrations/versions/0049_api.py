"""The API: keys, stored responses, rate limits; webhooks and their calls."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _keys()
    _asking()
    _hooks()


def _keys() -> None:
    tenant_table(
        "api_keys",
        uuid_column("member_id"),
        text("name"),
        text("digest"),
        jsonb("scopes"),
        jsonb("creators"),
        instant("expires_at"),
        instant("used_at", nullable=True),
        instant("revoked_at", nullable=True),
        text("revoked_by"),
        inside("member_id", "members"),
        unique("api_keys_digest", "digest"),
    )
    op.create_index("api_keys_found", "api_keys", ["digest"])
    # a request names no agency; `door` finds the owner of its key and records its use
    op.execute(
        "GRANT SELECT (tenant_id, id, name, member_id, digest, scopes, creators, expires_at, "
        "used_at, revoked_at)"
        " ON api_keys TO door"
    )
    op.execute("GRANT UPDATE (used_at) ON api_keys TO door")
    op.execute("CREATE POLICY door_finds ON api_keys TO door USING (true) WITH CHECK (true)")


def _asking() -> None:
    tenant_table(
        "api_answers",
        uuid_column("key_id"),
        text("name"),
        text("request"),
        number("status"),
        text("body"),
        jsonb("headers"),
        inside("key_id", "api_keys"),
        unique("api_answers_once", "key_id", "name"),
    )
    op.create_index("api_answers_old", "api_answers", ["tenant_id", "created_at"])
    tenant_table("api_buckets", text("who"), instant("full_until"), unique("api_buckets_who", "who"))


def _hooks() -> None:
    tenant_table(
        "hooks",
        text("name"),
        text("url"),
        jsonb("events"),
        jsonb("creators"),
        uuid_column("member_id"),
        text("state"),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("secret_before", sa.LargeBinary(), nullable=True),
        instant("before_until", nullable=True),
        instant("failing_since", nullable=True),
        flag("told"),
        inside("member_id", "members"),
        sa.CheckConstraint("state IN ('active', 'paused', 'ended')", name="hooks_state"),
    )
    tenant_table(
        "hook_calls",
        uuid_column("hook_id"),
        text("event"),
        jsonb("payload"),
        text("state"),
        number("tries"),
        number("status", nullable=True),
        text("detail"),
        instant("tried_at", nullable=True),
        inside("hook_id", "hooks"),
        sa.CheckConstraint("state IN ('waiting', 'taken', 'dead', 'dropped')", name="hook_calls_state"),
    )
    op.create_index("hook_calls_recent", "hook_calls", ["tenant_id", "hook_id", "created_at"])
    op.create_index("hook_calls_old", "hook_calls", ["tenant_id", "created_at"])


def downgrade() -> None:
    for table in ("hook_calls", "hooks", "api_buckets", "api_answers", "api_keys"):
        op.drop_table(table)
