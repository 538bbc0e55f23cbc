"""One platform account belongs to one agency at a time."""

from alembic import op

revision = "0129"
down_revision = "0128"
branch_labels = None
depends_on = None

_HELD = "state IN ('active', 'paused', 'leaving') AND platform NOT IN ('byhand', 'own_page')"

_YIELD = f"""
UPDATE channels SET state = 'reauthorize',
  reason = jsonb_build_object('code', 'channel.other_agency', 'params',
    jsonb_build_object('account', account)), updated_at = house_now()
FROM (SELECT tenant_id AS tenant, id AS channel, row_number() OVER (
    PARTITION BY platform, account ORDER BY last_ok_at DESC NULLS LAST, created_at DESC, id) AS place
  FROM channels WHERE {_HELD}) ranked
WHERE channels.tenant_id = ranked.tenant AND channels.id = ranked.channel AND ranked.place > 1
"""  # noqa: S608  our own condition
"""If several agencies have connected an account, it stays with the one that used it last; the
others must connect it again."""


def upgrade() -> None:
    # the owner's connection has no tenant, so the rows of all agencies are read at once
    op.execute("ALTER TABLE channels NO FORCE ROW LEVEL SECURITY")
    op.execute(_YIELD)
    op.execute("ALTER TABLE channels FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE UNIQUE INDEX channels_held ON channels (platform, account) WHERE {_HELD}")


def downgrade() -> None:
    op.drop_index("channels_held", "channels")
