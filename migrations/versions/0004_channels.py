"""Accounts on platforms, tokens, limits, attempts, cursors, short links."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "channels",
        uuid_column("creator_id"),
        text("platform"),
        text("surface"),
        text("chat_surface"),
        text("account"),
        text("base_url"),
        text("name"),
        text("state"),
        jsonb("reason", nullable=True),
        instant("paused_until", nullable=True),
        number("min_gap_seconds"),
        text("zone"),
        instant("last_ok_at", nullable=True),
        jsonb("options"),
        inside("creator_id", "creators"),
        unique("channels_account", "platform", "account"),
        sa.CheckConstraint("state IN ('active', 'paused', 'reauthorize', 'gone')", name="channels_state"),
    )
    op.create_index("channels_creator", "channels", ["tenant_id", "creator_id"])
    tenant_table(
        "tokens",
        uuid_column("channel_id"),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        number("generation"),
        instant("expires_at", nullable=True),
        text("refresh_state"),
        inside("channel_id", "channels"),
        unique("tokens_channel", "channel_id"),
    )
    tenant_table(
        "rate_buckets",
        uuid_column("channel_id"),
        instant("blocked_until", nullable=True),
        number("refusals"),
        instant("braked_until", nullable=True),
        number("failures"),
        inside("channel_id", "channels"),
        unique("rate_buckets_channel", "channel_id"),
    )
    _attempts()
    tenant_table(
        "listen_cursors",
        uuid_column("channel_id"),
        text("cursor"),
        inside("channel_id", "channels"),
        unique("listen_cursors_channel", "channel_id"),
    )
    tenant_table(
        "links",
        text("slug"),
        text("target"),
        uuid_column("channel_id"),
        text("subject_kind"),
        uuid_column("subject_id", nullable=True),
        inside("channel_id", "channels"),
        unique("links_slug", "slug"),
    )


def _attempts() -> None:
    tenant_table(
        "attempts",
        uuid_column("channel_id"),
        text("subject_kind"),
        uuid_column("subject_id"),
        number("part"),
        number("n"),
        text("kind"),
        text("native_key"),
        instant("armed_at"),
        instant("deadline_at"),
        instant("publish_armed_at", nullable=True),
        jsonb("unit"),
        text("unit_digest"),
        jsonb("steps"),
        number("http_status", nullable=True),
        text("outcome", nullable=True),
        jsonb("result"),
        jsonb("detail", nullable=True),
        instant("closed_at", nullable=True),
        jsonb("resolution"),
        text("resolved_by", nullable=True),
        inside("channel_id", "channels"),
        unique("attempts_once", "subject_kind", "subject_id", "part", "kind", "n"),
    )
    op.create_index("attempts_channel", "attempts", ["tenant_id", "channel_id", "armed_at"])
    # Records of sent content are final. A row is deleted only after its retention period or by the
    # erasure.
    op.execute(
        "CREATE FUNCTION attempts_keep() RETURNS trigger LANGUAGE plpgsql SET search_path = "
        "public AS $$ BEGIN"
        " IF (OLD.publish_armed_at IS NOT NULL AND NEW.publish_armed_at IS DISTINCT FROM "
        "OLD.publish_armed_at)"
        " OR (OLD.outcome IS NOT NULL AND (NEW.outcome, NEW.result) IS DISTINCT FROM "
        "(OLD.outcome, OLD.result))"
        " OR (OLD.resolved_by IS NOT NULL AND (NEW.resolved_by, NEW.resolution)"
        " IS DISTINCT FROM (OLD.resolved_by, OLD.resolution))"
        " OR jsonb_array_length(NEW.steps) < jsonb_array_length(OLD.steps)"
        " THEN RAISE EXCEPTION 'an attempt is written once'; END IF; RETURN NEW; END $$"
    )
    op.execute("CREATE TRIGGER attempts_keep BEFORE UPDATE ON attempts FOR EACH ROW EXECUTE "
               "FUNCTION attempts_keep()")
