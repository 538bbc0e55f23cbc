"""Revenue splits with other parties, payouts, and an audit log with values before and after.

A rule stored before keeps its meaning: its `chatter_bp` is a share of the agency's part, and it has
no other parties. A rule for a coming date can be replaced by a later revision of the same date.

Triggers record the changes of members, so that no function has to remember it. An entry and its
changes have the same `transaction_key`; a transaction without an entry gets one at its commit.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tools import (
    audit_table,
    inside,
    instant,
    jsonb,
    may_end,
    number,
    stop_auditing,
    tenant_table,
    text,
    unique,
    uuid_column,
)

revision = "0138"
down_revision = "0137"
branch_labels = None
depends_on = None

WHOLE = (
    "agency_bp + creator_bp + others_bp"
    " + CASE WHEN chatter_of = 'sale' THEN chatter_bp ELSE 0 END = 10000"
)


AUDITED = {
    # tenants
    "agencies": "name language zone second_factor currency languages",
    "api_keys": "scopes creators expires_at revoked_at",
    "creators": "name slug handle kind zone languages rating_ceiling approval_tiers approve_times"
    " state",
    "hooks": "name events creators state",
    "machines": "name revoked_at",
    "mail_wishes": "urgent brief_hour",
    "members": "name role language zone creators active adult_chat",
    # channels
    "age_providers": "provider state",
    "channels": "name platform state paused_until min_gap_seconds zone options",
    "enrolments": "platform state",
    "handovers": "kind state due_at late_until snoozed_until closed_at url",
    "oauth_clients": "platform",
    "phones": "name",
    "request_caps": "platform currency minor",
    # schedules
    "approval_links": "name expires_at ended",
    "approvals": "verdict tier expires_at",
    "calendar_addresses": "words revoked_at",
    "comments": "internal resolved_at",
    "deliveries": "state wall_time zone due_at late_until priority channel_id url",
    "downtimes": "state",
    "edits": "state",
    "feeds": "title channels paused",
    "holiday_choices": "country region left_out",
    "imports": "name state posts",
    "labels": "name colour",
    "link_rules": "base source medium campaign content",
    "pool_entries": "taken_out",
    "pools": "channels label min_age every until paused",
    "post_labels": "label_id",
    "post_tests": "metric age_hours planned ended_at kept",
    "posts": "priority late_ok until_midnight origin",
    "quiet_periods": "label zone first_day last_day weekday start_time end_time channel_id",
    "rehearsals": "what",
    "series": "rule starts_on clock zone state channels",
    "shifts": "undone_at",
    "slots": "weekday local_time zone jitter label channel_id",
    "week_lines": "state channels wall_time zone",
    "week_plans": "expires_at",
    # studio
    "clips": "kind state",
    "collection_items": "collection_id asset_id",
    "collections": "name",
    "creations": "tags shelf",
    "creator_voices": "engine voice name",
    "creator_watermarks": "text corner size opacity",
    "generation_limits": "opens closes per_day characters",
    "jobs": "state total rating",
    "look_pictures": "asset_id",
    "outgoing_grants": "engine revoked_at",
    "pack_items": "pack_id asset_id",
    "packs": "title slug state",
    "picture_copies": "state",
    "recipes": "name retired",
    "retentions": "days",
    "speeches": "language engine voice state",
    "spending_caps": "currency minor",
    "uploads": "name state",
    "word_lists": "name retired",
    # subscribers
    "conversations": "owner owner_member_id safety_hold snoozed_until",
    "drafts": "state kind approved_by",
    "fan_notes": "",
    "fans": "opt_out status",
    "month_closes": "month",
    "offers": "state amount_minor currency",
    "orders": "state",
    "payments": "order_id",
    "payouts": "account amount_minor currency paid_on reference",
    "personas": "version state level languages",
    "plans": "title state amount_minor currency",
    "prices": "rail currency amount_minor",
    "refunds": "state",
    "remarks": "state",
    "revenue_parties": "name",
    "saved_answers": "name language place",
    "split_rules": "effective_from creator_bp agency_bp chatter_bp others_bp",
    "statement_columns": "",
    "statements": "source name lines",
    "subscriptions": "state stopped_at",
}
"""Tables whose changes by members are recorded: the columns whose values are stored."""

UNRECORDED = (
    "{tenant_id,id,creator_id,created_at,updated_at,version,digest,used_at,seen_at,uses,epoch,"
    "priority_at,last_seq,last_in_seq,folded,fingerprint,asks_since,attempt}"
)
"""Columns of bookkeeping. A change of these alone is not recorded."""

RECORD_CHANGES = f"""
CREATE FUNCTION audit_values(row_values jsonb, names text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_object_agg(key, CASE
    WHEN jsonb_typeof(value) = 'string' THEN to_jsonb(left(value #>> '{{}}', 200))
    WHEN length(value::text) > 400 THEN to_jsonb(left(value::text, 400))
    ELSE value END), '{{}}'::jsonb)
  FROM jsonb_each(row_values) WHERE key = ANY (names));
END $$;

CREATE FUNCTION audit_transaction() RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog AS $$
BEGIN
  -- the numbers of transactions begin again in a restored database
  RETURN pg_current_xact_id()::text || ':'
    || extract(epoch FROM pg_postmaster_start_time())::bigint;
END $$;

CREATE FUNCTION record_changes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  unrecorded CONSTANT text[] := '{UNRECORDED}';
  names CONSTANT text[] := coalesce(TG_ARGV[0:], ARRAY[]::text[]);
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO public.audit_changes (tenant_id, id, actor, transaction_key, creator_id, item_kind,
      item_id, change, before, after, others)
    SELECT (r ->> 'tenant_id')::uuid, gen_random_uuid(), current_setting('app.actor'),
      public.audit_transaction(),
      (r ->> CASE TG_TABLE_NAME WHEN 'creators' THEN 'id' ELSE 'creator_id' END)::uuid,
      TG_TABLE_NAME, (r ->> 'id')::uuid, 'insert', '{{}}', public.audit_values(r, names), 0
    FROM (SELECT to_jsonb(n) AS r FROM new_rows n) added;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO public.audit_changes (tenant_id, id, actor, transaction_key, creator_id, item_kind,
      item_id, change, before, after, others)
    SELECT (r ->> 'tenant_id')::uuid, gen_random_uuid(), current_setting('app.actor'),
      public.audit_transaction(),
      (r ->> CASE TG_TABLE_NAME WHEN 'creators' THEN 'id' ELSE 'creator_id' END)::uuid,
      TG_TABLE_NAME, (r ->> 'id')::uuid, 'delete', public.audit_values(r, names), '{{}}', 0
    FROM (SELECT to_jsonb(o) AS r FROM old_rows o) gone;
  ELSE
    INSERT INTO public.audit_changes (tenant_id, id, actor, transaction_key, creator_id, item_kind,
      item_id, change, before, after, others)
    SELECT (n ->> 'tenant_id')::uuid, gen_random_uuid(), current_setting('app.actor'),
      public.audit_transaction(),
      (n ->> CASE TG_TABLE_NAME WHEN 'creators' THEN 'id' ELSE 'creator_id' END)::uuid,
      TG_TABLE_NAME, (n ->> 'id')::uuid, 'update',
      public.audit_values(o, ARRAY(SELECT unnest(fields) INTERSECT SELECT unnest(names))),
      public.audit_values(n, ARRAY(SELECT unnest(fields) INTERSECT SELECT unnest(names))),
      cardinality(ARRAY(SELECT unnest(fields) EXCEPT SELECT unnest(names)))
    FROM (
      SELECT before.r AS o, after.r AS n, ARRAY(
        SELECT key FROM jsonb_each(after.r) WHERE NOT key = ANY (unrecorded)
          AND value IS DISTINCT FROM before.r -> key) AS fields
      FROM (SELECT to_jsonb(o) AS r FROM old_rows o) before
      JOIN (SELECT to_jsonb(n) AS r FROM new_rows n) after
        ON before.r -> 'id' = after.r -> 'id' AND before.r -> 'tenant_id' = after.r -> 'tenant_id'
    ) changed WHERE cardinality(fields) > 0;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION add_missing_entry() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.audit_entries WHERE tenant_id = NEW.tenant_id
      AND transaction_key = NEW.transaction_key) THEN
    INSERT INTO public.audit_entries (tenant_id, id, actor, act, about, details, creator_id)
    VALUES (NEW.tenant_id, gen_random_uuid(), NEW.actor, 'changed.' || NEW.change,
      NEW.item_kind || ':' || NEW.item_id, '{{}}', NEW.creator_id);
  END IF;
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER audit_entry AFTER INSERT ON audit_changes
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION add_missing_entry();
"""


def upgrade() -> None:
    _add_accounting()
    _add_audit_changes()


def downgrade() -> None:
    _drop_audit_changes()
    _drop_accounting()


def _add_audit_changes() -> None:
    op.add_column("audit_entries", uuid_column("creator_id", nullable=True))
    # Entries from before belong to no transaction that is known.
    op.add_column("audit_entries", text("transaction_key", nullable=True))
    tenant_table(
        "audit_changes",
        text("actor"),
        text("transaction_key"),
        uuid_column("creator_id", nullable=True),
        text("item_kind"),
        uuid_column("item_id"),
        text("change"),
        jsonb("before"),
        jsonb("after"),
        number("others"),
        write=(),
    )
    may_end("audit_changes", "5 years")
    op.execute(RECORD_CHANGES)
    op.alter_column("audit_entries", "transaction_key", server_default=sa.func.audit_transaction())
    for table in ("audit_entries", "audit_changes"):
        op.create_index(f"{table}_transaction", table, ["tenant_id", "transaction_key"])
    op.create_index("audit_entries_newest", "audit_entries", ["tenant_id", "created_at", "id"])
    for name, values in AUDITED.items():
        audit_table(name, values)


def _drop_audit_changes() -> None:
    for name in AUDITED:
        stop_auditing(name)
    op.drop_index("audit_entries_newest", "audit_entries")
    op.drop_column("audit_entries", "transaction_key")
    op.drop_column("audit_entries", "creator_id")
    op.drop_table("audit_changes")
    for name in ("add_missing_entry", "record_changes", "audit_transaction"):
        op.execute(f"DROP FUNCTION {name}()")
    op.execute("DROP FUNCTION audit_values(jsonb, text[])")


def _add_accounting() -> None:
    tenant_table(
        "revenue_parties",
        uuid_column("creator_id"),
        text("name"),
        inside("creator_id", "creators"),
        unique("revenue_parties_name", "creator_id", "name"),
        append_only=True,
    )
    op.add_column("split_rules", _with_default("others", JSONB(), "[]"))
    op.add_column("split_rules", _with_default("others_bp", sa.Integer(), "0"))
    op.add_column("split_rules", _with_default("chatter_of", sa.String(), "agency"))
    op.add_column("split_rules", _with_default("revision", sa.Integer(), "0"))
    op.add_column("split_rules", _with_default("by", sa.String(), ""))
    op.drop_constraint("split_rules_whole", "split_rules")
    op.create_check_constraint("split_rules_whole", "split_rules", WHOLE)
    op.create_check_constraint(
        "split_rules_others", "split_rules", "others_bp BETWEEN 0 AND 10000"
    )
    op.create_check_constraint(
        "split_rules_chatter_of", "split_rules", "chatter_of IN ('agency', 'sale')"
    )
    op.drop_constraint("split_rules_from", "split_rules")
    op.create_unique_constraint(
        "split_rules_from", "split_rules", ["tenant_id", "creator_id", "effective_from", "revision"]
    )
    tenant_table(
        "payouts",
        uuid_column("creator_id"),
        text("account"),
        number("amount_minor", big=True),
        text("currency"),
        sa.Column("paid_on", sa.Date(), nullable=False),
        instant("booked_at"),
        text("reference"),
        text("by"),
        inside("creator_id", "creators"),
        sa.CheckConstraint("amount_minor > 0", name="payouts_positive"),
        append_only=True,
    )
    op.create_index("payouts_of_creator", "payouts", ["tenant_id", "creator_id", "booked_at"])


def _with_default(name: str, kind: sa.types.TypeEngine[object], default: str) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False, server_default=default)


def _drop_accounting() -> None:
    op.drop_table("payouts")
    op.execute("DELETE FROM split_rules WHERE revision > 0 OR others_bp > 0 OR chatter_of = 'sale'")
    op.drop_constraint("split_rules_from", "split_rules")
    op.create_unique_constraint(
        "split_rules_from", "split_rules", ["tenant_id", "creator_id", "effective_from"]
    )
    for name in ("whole", "others", "chatter_of"):
        op.drop_constraint(f"split_rules_{name}", "split_rules")
    for name in ("others", "others_bp", "chatter_of", "revision", "by"):
        op.drop_column("split_rules", name)
    op.create_check_constraint("split_rules_whole", "split_rules", "agency_bp + creator_bp = 10000")
    op.drop_table("revenue_parties")
