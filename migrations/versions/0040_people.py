"""People recorded by members: consents offered and answered, declarations of fictional people
reviewed by two members, proposers of a name in a picture, and people who must never be depicted."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

READ = ("declarations", "invented_looks")
"""Tables read or written here by the owner, who is subject to their policies too."""

_ANOTHER = """
CREATE POLICY by_another ON invented_looks AS RESTRICTIVE FOR INSERT TO app, gate WITH CHECK (NOT
EXISTS (
  SELECT FROM declarations d WHERE d.tenant_id = invented_looks.tenant_id AND d.id =
  invented_looks.declaration_id
    AND d.declared_by = invented_looks.principal_id))
"""
"""The database refuses a review by the member who declared the fictional person."""


def upgrade() -> None:
    # Members record people; the gate alone writes proofs and consents and ends them.
    op.execute("GRANT INSERT ON persons TO app")
    op.add_column("persons", uuid_column("creator_id", nullable=True))
    op.create_foreign_key("persons_creator", "persons", "creators", ["tenant_id", "creator_id"], ["tenant_id", "id"])
    for table, column in (("identity_checks", "noted_by"), ("depictions", "proposed_by"), ("assets", "model")):
        op.add_column(table, sa.Column(column, sa.String(), server_default="", nullable=False))
    _offers()
    _invented()
    tenant_table("never_depicted", text("name"), jsonb("looks"), text("noted_by"), text("ended_by"))


def _offers() -> None:
    tenant_table(
        "consent_offers",
        uuid_column("person_id"),
        jsonb("scopes"),
        jsonb("surfaces"),
        text("max_rating"),
        instant("valid_from"),
        instant("valid_until"),
        text("made_by"),
        inside("person_id", "persons"),
        unique("consent_offers_of", "person_id", "id"),
        sa.CheckConstraint("max_rating IN ('G', 'S', 'N', 'E')", name="consent_offers_rating"),
        sa.CheckConstraint("valid_until <= valid_from + interval '24 months'", name="consent_offers_end"),
        append_only=True,
    )
    tenant_table(
        "consent_answers",
        uuid_column("offer_id"),
        uuid_column("person_id"),
        text("said"),
        text("digest"),
        text("said_by"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id", "offer_id"],
            ["consent_offers.tenant_id", "consent_offers.person_id", "consent_offers.id"],
            name="consent_answers_offered",
        ),
        unique("consent_answers_once", "offer_id"),
        sa.CheckConstraint("said IN ('signed', 'declined')", name="consent_answers_said"),
        sa.CheckConstraint("said_by = 'person:' || person_id", name="consent_answers_own_hand"),
        write=("gate",),
        append_only=True,
    )


def _invented() -> None:
    """A declaration is a member's statement, like a review: members insert it and never change it.
    """
    op.execute("GRANT INSERT ON declarations TO app")
    for column in ("sources", "reference_set"):
        op.add_column("declarations", sa.Column(column, sa.JSON(), server_default="[]", nullable=False))
        op.execute(f"ALTER TABLE declarations ALTER {column} DROP DEFAULT")
        op.execute(f"ALTER TABLE declarations ALTER {column} TYPE jsonb USING {column}::jsonb")
    tenant_table(
        "invented_looks",
        uuid_column("declaration_id"),
        uuid_column("principal_id"),
        flag("resembles"),
        jsonb("doubts"),
        number("tiles"),
        inside("declaration_id", "declarations"),
        unique("invented_looks_once", "declaration_id", "principal_id"),
        append_only=True,
    )
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(  # an earlier reviewer counts as one of the two
        "INSERT INTO invented_looks (tenant_id, id, created_at, updated_at, declaration_id, "
        "principal_id, resembles,"
        " doubts, tiles) SELECT tenant_id, gen_random_uuid(), created_at, created_at, id, "
        "reviewed_by, false, '[]', 0"
        " FROM declarations WHERE reviewed_by IS NOT NULL AND reviewed_by <> declared_by"
    )
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.drop_column("declarations", "reviewed_by")
    op.execute(_ANOTHER)


def downgrade() -> None:
    op.add_column("declarations", uuid_column("reviewed_by", nullable=True))
    for table in ("never_depicted", "invented_looks", "consent_answers", "consent_offers"):
        op.drop_table(table)
    op.drop_constraint("persons_creator", "persons", type_="foreignkey")
    dropped = {
        "persons": ("creator_id",),
        "identity_checks": ("noted_by",),
        "depictions": ("proposed_by",),
        "assets": ("model",),
        "declarations": ("sources", "reference_set"),
    }
    for table, columns in dropped.items():
        for column in columns:
            op.drop_column(table, column)
    for table in ("persons", "declarations"):
        op.execute(f"REVOKE INSERT ON {table} FROM app")
