"""Records of clock rollbacks, which extend the look-ups of requests sent before them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0122"
down_revision = "0121"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("house_clock", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("house_clock", sa.Column("falls", JSONB(), nullable=False, server_default="[]"))
    op.execute("GRANT SELECT (falls) ON house_clock TO app")
    # Less than two seconds is an ordinary clock correction, or the difference of two reads. A
    # rollback is forgotten two days later by the new clock: one by a year must not extend every
    # look-up of that year.
    op.execute(
        "CREATE FUNCTION house_clock_seen() RETURNS interval LANGUAGE plpgsql SECURITY DEFINER "
        "SET search_path = public"
        " AS $$ DECLARE before timestamptz; at timestamptz; fell interval; BEGIN"
        " SELECT seen_at INTO before FROM house_clock FOR UPDATE; at := house_now();"
        " IF before > at + interval '2 seconds' THEN fell := before - at; END IF;"
        " UPDATE house_clock SET seen_at = at, falls ="
        " (SELECT coalesce(jsonb_agg(f), '[]') FROM jsonb_array_elements(falls) f"
        "  WHERE (f ->> 'from')::timestamptz - (f ->> 'by')::interval > at - interval '2 days')"
        " || CASE WHEN fell IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_object('from', "
        "before, 'by', fell)) END;"
        " RETURN fell; END $$"
    )
    op.execute("REVOKE ALL ON FUNCTION house_clock_seen() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION house_clock_seen() TO relay")


def downgrade() -> None:
    op.execute("DROP FUNCTION house_clock_seen()")
    op.drop_column("house_clock", "falls")
    op.drop_column("house_clock", "seen_at")
