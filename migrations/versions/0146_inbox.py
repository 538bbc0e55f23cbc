"""Inbox: read state of members, presence of members, and an index of words for its search."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import (
    flag,
    inside,
    instant,
    number,
    tenant_table,
    text,
    unique,
    uuid_column,
)

revision = "0146"
down_revision = "0145"
branch_labels = None
depends_on = None

FOLD = """
CREATE FUNCTION fold_search_text(words text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT SET search_path = pg_catalog AS $$
  SELECT lower(regexp_replace(normalize(words, NFKD), '[\\u0300-\\u036f]', '', 'g'))
$$
"""
"""Upper case and accents do not matter in a search: `Été` is found as `ete`."""

TERMS = """
CREATE FUNCTION chat_search_terms(creator uuid, words text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT COST 10000 SET search_path = pg_catalog AS $$
  SELECT array_to_tsvector(ARRAY(
    SELECT right(creator::text, 12) || left(word, 40)
    FROM regexp_split_to_table(public.fold_search_text(words), '(?:\\W|_)+') word
    WHERE word <> ''))
$$
"""
# Each term begins with the end of the creator's id, so that a word that is common at another agency
# does not slow down the search of this one.

SEARCHED = (("messages", "body"), ("fans", "display_name"), ("fan_identities", "handle"))

# Row-level security keeps `@@` away from an index, because the operator might reveal rows of other
# tenants in error messages. The function therefore runs as the owner of the tables, reads them
# under a policy for the owner alone, and compares the tenant itself.
SEARCH = """
CREATE FUNCTION search_chats(words text, creators uuid[], most integer)
RETURNS TABLE (conversation_id uuid, seq integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_custom_plan
SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
DECLARE
  own CONSTANT uuid := nullif(current_setting('app.tenant', true), '')::uuid;
  wanted tsquery;
BEGIN
  SELECT string_agg('(' || terms || ')', ' | ')::tsquery INTO wanted FROM (
    SELECT string_agg(quote_literal(right(creator::text, 12) || left(word, 40)) || ':*', ' & ')
      AS terms
    FROM unnest(creators) creator,
      regexp_split_to_table(public.fold_search_text(words), '(?:\\W|_)+') word
    WHERE word <> '' GROUP BY creator) each_creator;
  IF wanted IS NULL THEN RETURN; END IF;
  RETURN QUERY
    WITH named AS MATERIALIZED (
      (SELECT f.tenant_id, f.id FROM fans f
        WHERE chat_search_terms(f.creator_id, f.display_name) @@ wanted LIMIT most)
      UNION
      (SELECT i.tenant_id, i.fan_id FROM fan_identities i
        WHERE chat_search_terms(i.creator_id, i.handle) @@ wanted LIMIT most))
    SELECT c.id, NULL::integer FROM named n
    JOIN conversations c ON c.tenant_id = n.tenant_id AND c.fan_id = n.id
    WHERE c.tenant_id = own AND c.creator_id = ANY (creators);
  RETURN QUERY
    WITH said AS MATERIALIZED (
      SELECT m.tenant_id, m.creator_id, m.conversation_id, m.seq FROM messages m
      WHERE chat_search_terms(m.creator_id, m.body) @@ wanted LIMIT most)
    SELECT s.conversation_id, max(s.seq) FROM said s
    WHERE s.tenant_id = own AND s.creator_id = ANY (creators) GROUP BY s.conversation_id;
END $$
"""


def upgrade() -> None:
    _read_state()
    _presence()
    _search()


def _read_state() -> None:
    # Before, snoozes that had ended stayed stored. They must not appear as ended now.
    op.execute("ALTER TABLE conversations NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE conversations SET snoozed_until = NULL WHERE snoozed_until <= house_now()")
    op.execute("ALTER TABLE conversations FORCE ROW LEVEL SECURITY")
    tenant_table(
        "conversation_reads",
        *(uuid_column(name) for name in ("creator_id", "conversation_id", "member_id")),
        number("seq"),
        flag("unread"),
        inside("creator_id", "creators"),
        inside("conversation_id", "conversations"),
        inside("member_id", "members"),
        unique("conversation_reads_once", "conversation_id", "member_id"),
    )
    op.create_index(
        "conversation_reads_unread",
        "conversation_reads",
        ["tenant_id", "member_id"],
        postgresql_where=sa.text("unread"),
    )
    op.create_index(
        "conversations_snoozed",
        "conversations",
        ["tenant_id", "creator_id"],
        postgresql_where=sa.text("snoozed_until IS NOT NULL"),
    )
    op.create_index(
        "fan_facts_buyers",
        "fan_facts",
        ["tenant_id", "creator_id", "buys"],
        postgresql_where=sa.text("buys > 0"),
    )
    tenant_table(
        "inbox_marks",
        uuid_column("member_id"),
        instant("read_until"),
        inside("member_id", "members"),
        unique("inbox_marks_once", "member_id"),
    )


def _presence() -> None:
    tenant_table(
        "member_presences",
        *(uuid_column(name) for name in ("creator_id", "member_id", "subject_id")),
        text("kind"),
        instant("seen_at"),
        instant("active_at", nullable=True),
        inside("creator_id", "creators"),
        inside("member_id", "members"),
        unique("member_presences_once", "kind", "subject_id", "member_id"),
        sa.CheckConstraint("kind IN ('conversation', 'post')", name="member_presences_kind"),
    )
    op.create_index("member_presences_now", "member_presences", ["tenant_id", "kind", "seen_at"])


def _search() -> None:
    op.execute(FOLD)
    op.execute(TERMS)
    for table, column in SEARCHED:  # a list of pending words would slow down each search
        op.execute(
            f"CREATE INDEX {table}_searched ON {table}"
            f" USING gin (chat_search_terms(creator_id, {column})) WITH (fastupdate = off)"
        )
    for table in ("conversations", *(name for name, _ in SEARCHED)):
        op.execute(
            f"CREATE POLICY owner_searches ON {table} FOR SELECT TO CURRENT_USER USING (true)"
        )
    op.execute(SEARCH)
    op.execute("REVOKE EXECUTE ON FUNCTION search_chats(text, uuid[], integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION search_chats(text, uuid[], integer) TO app")


def downgrade() -> None:
    op.execute("DROP FUNCTION search_chats(text, uuid[], integer)")
    for table in ("conversations", *(name for name, _ in SEARCHED)):
        op.execute(f"DROP POLICY owner_searches ON {table}")
    for table, _ in SEARCHED:
        op.drop_index(f"{table}_searched", table)
    op.execute("DROP FUNCTION chat_search_terms(uuid, text)")
    op.execute("DROP FUNCTION fold_search_text(text)")
    op.drop_index("fan_facts_buyers", "fan_facts")
    op.drop_index("conversations_snoozed", "conversations")
    for name in ("member_presences", "inbox_marks", "conversation_reads"):
        op.drop_table(name)
