"""Index of words of posts for the search of the dashboard; hidden list of first steps."""

from alembic import op

revision = "0149"
down_revision = "0148"
branch_labels = None
depends_on = None

# Runs as the owner of the tables and compares the tenant itself, as `search_chats` does:
# row-level security keeps `@@` away from an index.
SEARCH = """
CREATE FUNCTION search_posts(words text, creators uuid[], most integer)
RETURNS TABLE (post_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
  own CONSTANT uuid := nullif(current_setting('app.tenant', true), '')::uuid;
  many CONSTANT integer := 1000;
  wanted tsquery;
  hits uuid[];
BEGIN
  SELECT string_agg('(' || terms || ')', ' | ')::tsquery INTO wanted FROM (
    SELECT string_agg(quote_literal(right(creator::text, 12) || left(word, 40)) || ':*', ' & ')
      AS terms
    FROM unnest(creators) creator,
      regexp_split_to_table(public.fold_search_text(words), '(?:\\W|_)+') word
    WHERE word <> '' GROUP BY creator) each_creator;
  IF wanted IS NULL THEN RETURN; END IF;
  -- The inner query has no other condition, so that only the index of words can answer it. The
  -- words contain the creator; the tenant is compared outside.
  SELECT array_agg(f.id ORDER BY f.created_at DESC, f.id) INTO hits FROM (
    SELECT p.tenant_id, p.creator_id, p.id, p.created_at FROM posts p
    WHERE chat_search_terms(p.creator_id, p.title || ' ' || p.body) @@ wanted LIMIT many) f
  WHERE f.tenant_id = own AND f.creator_id = ANY (creators);
  -- The index returns so common a word in any order: the newest posts are read instead.
  IF cardinality(hits) >= many THEN
    RETURN QUERY SELECT n.id FROM (
      SELECT p.id, p.creator_id, p.title, p.body, p.created_at FROM posts p
      WHERE p.tenant_id = own AND p.creator_id = ANY (creators)
      ORDER BY p.created_at DESC, p.id DESC LIMIT many) n
    WHERE chat_search_terms(n.creator_id, n.title || ' ' || n.body) @@ wanted
    ORDER BY n.created_at DESC, n.id LIMIT most;
    IF FOUND THEN RETURN; END IF;
  END IF;
  RETURN QUERY SELECT unnest(hits[1:most]);
END $$
"""


def upgrade() -> None:
    op.execute(
        "CREATE INDEX posts_searched ON posts"
        " USING gin (chat_search_terms(creator_id, title || ' ' || body))"
        " WITH (fastupdate = off)"
    )
    op.execute("CREATE POLICY owner_searches ON posts FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(SEARCH)
    op.execute("REVOKE EXECUTE ON FUNCTION search_posts(text, uuid[], integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION search_posts(text, uuid[], integer) TO app")
    op.execute("ALTER TABLE members ADD COLUMN guide_hidden boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    op.execute("ALTER TABLE members DROP COLUMN guide_hidden")
    op.execute("DROP FUNCTION search_posts(text, uuid[], integer)")
    op.execute("DROP POLICY owner_searches ON posts")
    op.drop_index("posts_searched", "posts")
