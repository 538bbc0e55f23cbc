"""Shoot cards: contents, people, signatures, pictures; and consents valid for one card."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

NEVER = (
    "RAISE EXCEPTION 'a grant is never widened and a revoked one never returns'; END IF; RETURN "
    "NEW; END $$"
)
KEPT = (
    "CREATE OR REPLACE FUNCTION grants_stay_revoked() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF OLD.revoked_at IS NOT NULL OR NEW.scope <> OLD.scope OR NEW.surfaces <> OLD.surfaces"
    " OR NEW.max_rating <> OLD.max_rating OR NEW.valid_until > OLD.valid_until OR NEW.person_id "
    "<> OLD.person_id"
)


def upgrade() -> None:
    _cards()
    _answers_and_pictures()
    _permissions()


def _cards() -> None:
    # A card is written once: any member may insert it, it is never changed, and it has no effect
    # before it is signed.
    tenant_table(
        "shoot_cards",
        uuid_column("creator_id"),
        sa.Column("day", sa.Date(), nullable=False),
        text("zone"),
        text("country"),
        jsonb("scopes"),
        jsonb("surfaces"),
        text("max_rating"),
        number("pictures"),
        instant("valid_until"),
        text("made_by"),
        inside("creator_id", "creators"),
        sa.CheckConstraint("max_rating IN ('G', 'S', 'N', 'E')", name="shoot_cards_rating"),
        sa.CheckConstraint("pictures > 0", name="shoot_cards_pictures"),
        write=("app",),
        append_only=True,
    )
    op.create_index("shoot_cards_creator", "shoot_cards", ["tenant_id", "creator_id"])
    tenant_table(
        "shoot_card_people",
        uuid_column("card_id"),
        uuid_column("person_id"),
        inside("card_id", "shoot_cards"),
        inside("person_id", "persons"),
        unique("shoot_card_people_once", "card_id", "person_id"),
        write=("app",),
        append_only=True,
    )
    op.create_index("shoot_card_people_person", "shoot_card_people", ["tenant_id", "person_id"])


def _answers_and_pictures() -> None:
    tenant_table(
        "shoot_card_answers",
        uuid_column("card_id"),
        uuid_column("person_id"),
        text("said"),
        text("digest"),
        text("said_by"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "card_id", "person_id"],
            ["shoot_card_people.tenant_id", "shoot_card_people.card_id", "shoot_card_people.person_id"],
            name="shoot_card_answers_named",
        ),
        unique("shoot_card_answers_once", "card_id", "person_id", "said"),
        sa.CheckConstraint("said IN ('signed', 'declined', 'withdrawn')", name="shoot_card_answers_said"),
        sa.CheckConstraint("said_by = 'person:' || person_id", name="shoot_card_answers_own_hand"),
        write=("gate",),
        append_only=True,
    )
    tenant_table(
        "shoot_card_assets",
        uuid_column("card_id"),
        uuid_column("asset_id"),
        number("place"),
        instant("known_at"),
        text("bound_by"),
        inside("card_id", "shoot_cards"),
        inside("asset_id", "assets"),
        unique("shoot_card_assets_one", "asset_id"),
        unique("shoot_card_assets_place", "card_id", "place"),
        write=("gate",),
        append_only=True,
    )


def _permissions() -> None:
    op.add_column("consent_grants", sa.Column("card_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "consent_grants_card", "consent_grants", "shoot_cards", ["tenant_id", "card_id"], ["tenant_id", "id"]
    )
    op.execute(f"{KEPT} OR NEW.card_id IS DISTINCT FROM OLD.card_id THEN {NEVER}")
    op.add_column("uploads", sa.Column("card_id", sa.Uuid(), nullable=True))
    op.create_foreign_key("uploads_card", "uploads", "shoot_cards", ["tenant_id", "card_id"], ["tenant_id", "id"])


def downgrade() -> None:
    op.drop_column("uploads", "card_id")
    op.execute(f"{KEPT} THEN {NEVER}")
    op.drop_column("consent_grants", "card_id")
    for name in ("shoot_card_assets", "shoot_card_answers", "shoot_card_people", "shoot_cards"):
        op.drop_table(name)
