"""Quota of an application as an agency with an account of it may read it: sums and counts, without
the rows of other agencies, so that web processes need no rights of the relay."""

from alembic import op

revision = "0163"
down_revision = "0162"
branch_labels = None
depends_on = None

# Runs as the owner of the tables and compares the tenant itself, as `search_posts` does. It returns
# nothing for an application of which the agency has no account. An agency is counted if it used
# units of the window or has a row due before its end; the caller's agency always counts.
STANDING = """
CREATE FUNCTION app_quota_standing(asked uuid, instant timestamptz)
RETURNS TABLE (name text, begins timestamptz, ends timestamptz, used integer, most integer,
  kept integer, post integer, ours integer, agencies bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  own CONSTANT uuid := nullif(current_setting('app.tenant', true), '')::uuid;
BEGIN
  IF NOT EXISTS (SELECT FROM channels c WHERE c.app_key = asked AND c.tenant_id = own) THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT t.name::text, t.begins, t.ends, t.used, t.most, t.kept, t.post,
    coalesce((SELECT d.used FROM app_days d WHERE d.tenant_id = t.tenant_id AND d.app_key = asked
      AND d.name = t.name AND d.begins = t.begins AND d.agency = own), 0),
    (SELECT count(*) FROM (
      SELECT own
      UNION SELECT d.agency FROM app_days d WHERE d.tenant_id = t.tenant_id AND d.app_key = asked
        AND d.name = t.name AND d.begins = t.begins AND d.agency <> t.tenant_id AND d.used > 0
      UNION SELECT o.tenant_id FROM channels c JOIN outbox o ON o.tenant_id = c.tenant_id
        AND o.lane = 'channel:' || c.id WHERE c.app_key = asked AND o.available_at < t.ends
        AND o.state IN ('waiting', 'leased')) counted)
  FROM app_days t WHERE t.app_key = asked AND t.agency = t.tenant_id AND t.begins <= instant
    AND t.ends > instant;
END $$
"""


READ = {
    "app_days": "true",
    "channels": "app_key IS NOT NULL",
    "outbox": "lane LIKE 'channel:%'",
}
"""Rows that the function reads for its owner, by table."""


def upgrade() -> None:
    for table, rows in READ.items():
        op.execute(
            f"CREATE POLICY owner_counts_quota ON {table} FOR SELECT TO CURRENT_USER USING ({rows})"
        )
    op.execute(STANDING)
    op.execute("REVOKE EXECUTE ON FUNCTION app_quota_standing FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION app_quota_standing TO app, relay")


def downgrade() -> None:
    op.execute("DROP FUNCTION app_quota_standing")
    for table in READ:
        op.execute(f"DROP POLICY owner_counts_quota ON {table}")
