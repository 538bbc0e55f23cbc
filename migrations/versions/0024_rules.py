"""Rules of platforms: signed releases, re-verifications by members, and stricter rules of an
agency."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, jsonb, number, tenant_table, text, uuid_column

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

HOUSE = "00000000-0000-0000-0000-000000000000"


def upgrade() -> None:
    _releases()
    _said_of_places()


def _releases() -> None:
    tenant_table(
        "policy_bundles",
        text("name"),
        number("number", big=True),
        text("state"),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(), sa.Computed("encode(sha256(document), 'hex')", persisted=True), nullable=True),
        text("by"),
        sa.CheckConstraint(f"tenant_id = '{HOUSE}'", name="policy_bundles_of_the_house"),
        sa.CheckConstraint("state IN ('active', 'retired', 'shipped')", name="policy_bundles_state"),
        write=("gate",),
    )
    op.execute("REVOKE DELETE ON policy_bundles FROM gate")
    op.execute("CREATE POLICY house_is_read ON policy_bundles FOR SELECT USING (tenant_id = "
               f"'{HOUSE}')")
    for name, column, where in (
        ("number", "number", "state <> 'shipped'"),
        ("shipped", "name", "state = 'shipped'"),
    ):
        op.create_index(
            f"policy_bundles_{name}",
            "policy_bundles",
            ["tenant_id", column],
            unique=True,
            postgresql_where=sa.text(where),
        )
    op.create_index(
        "policy_bundles_active",
        "policy_bundles",
        ["tenant_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index("policy_bundles_digest", "policy_bundles", ["tenant_id", "digest"])
    # A retired release never returns: an older version would be in force again without a signature
    # for it.
    op.execute(
        "CREATE FUNCTION policy_bundles_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF OLD.state <> 'active' OR NEW.state <> 'retired' OR NEW.document <> OLD.document"
        " OR NEW.number <> OLD.number OR NEW.name <> OLD.name THEN"
        " RAISE EXCEPTION 'a release of rules is retired, and nothing else'; END IF;"
        " RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER policy_bundles_only_grow BEFORE UPDATE ON policy_bundles"
        " FOR EACH ROW EXECUTE FUNCTION policy_bundles_only_grow()"
    )


def _said_of_places() -> None:
    tenant_table(
        "attestations",
        *(text(name) for name in ("row", "written", "url", "state")),
        sa.Column("read_on", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        jsonb("verdicts"),
        uuid_column("by"),
        uuid_column("second", nullable=True),
        sa.CheckConstraint("until <= read_on + 90", name="attestations_end"),
        sa.CheckConstraint("second <> by", name="attestations_by_two"),
        sa.CheckConstraint("state IN ('open', 'active', 'ended')", name="attestations_state"),
        sa.CheckConstraint("state <> 'active' OR second IS NOT NULL", name="attestations_seconded"),
        write=("gate",),
    )
    tenant_table(
        "place_limits",
        *(text(name) for name in ("place", "rating", "verdict", "by", "why")),
        uuid_column("ended_by", nullable=True),
        flag("open"),
        sa.CheckConstraint("rating IN ('G', 'S', 'N', 'E')", name="place_limits_rating"),
        sa.CheckConstraint("verdict IN ('H', 'B')", name="place_limits_verdict"),
        write=("gate",),
    )
    op.create_index(
        "place_limits_once",
        "place_limits",
        ["tenant_id", "place", "rating", "verdict"],
        unique=True,
        postgresql_where=sa.text("open"),
    )
    op.create_index("attestations_row", "attestations", ["tenant_id", "row", "state"])


def downgrade() -> None:
    for name in ("place_limits", "attestations", "policy_bundles"):
        op.drop_table(name)
    op.execute("DROP FUNCTION policy_bundles_only_grow()")
