"""Passkeys and their challenges; holders of an account; and a person's own releases."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, number, tenant_table, text, unique, uuid_column

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

FINAL = (
    "CREATE FUNCTION passkeys_stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF NEW.member_id <> OLD.member_id OR NEW.credential <> OLD.credential OR NEW.public_key <> "
    "OLD.public_key"
    " OR NEW.count < OLD.count OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM "
    "OLD.ended_at)"
    " THEN RAISE EXCEPTION 'a passkey keeps whose it is, and one that ended never returns'; END "
    "IF; RETURN NEW; END $$"
)
ONCE = (
    "CREATE FUNCTION passkey_asks_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF NEW.challenge <> OLD.challenge OR NEW.act <> OLD.act OR NEW.about <> OLD.about"
    " OR NEW.member_id IS DISTINCT FROM OLD.member_id"
    " OR (OLD.taken_at IS NOT NULL AND NEW.taken_at IS DISTINCT FROM OLD.taken_at)"
    " OR (OLD.answered_at IS NOT NULL AND NEW.answered_at IS DISTINCT FROM OLD.answered_at)"
    " OR (OLD.spent_at IS NOT NULL AND NEW.spent_at IS DISTINCT FROM OLD.spent_at)"
    " THEN RAISE EXCEPTION 'what was asked is answered once, and used once'; END IF; RETURN NEW; "
    "END $$"
)

ENDS = (
    "CREATE FUNCTION ends_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF OLD.ended_at IS NOT NULL OR to_jsonb(NEW) - '{ended_at,ended_by,updated_at}'::text[]"
    " <> to_jsonb(OLD) - '{ended_at,ended_by,updated_at}'::text[]"
    " THEN RAISE EXCEPTION 'it ends once, and nothing else of it changes'; END IF; RETURN NEW; "
    "END $$"
)


def upgrade() -> None:
    op.add_column("agencies", sa.Column("second_factor", sa.Boolean(), nullable=False, server_default=sa.false()))
    _keys()
    _asks()
    _likeness()


def _keys() -> None:
    tenant_table(
        "passkeys",
        uuid_column("member_id"),
        text("credential"),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        number("count", big=True),
        text("name"),
        instant("used_at", nullable=True),
        instant("ended_at", nullable=True),
        text("ended"),
        inside("member_id", "members"),
        unique("passkeys_credential", "credential"),
        sa.CheckConstraint("ended IN ('', 'removed', 'forgotten', 'copied')", name="passkeys_ended"),
        sa.CheckConstraint("(ended = '') = (ended_at IS NULL)", name="passkeys_ended_at"),
    )
    op.create_index("passkeys_member", "passkeys", ["tenant_id", "member_id"])
    op.create_index("passkeys_found", "passkeys", ["credential"])
    op.execute(FINAL)
    op.execute(
        "CREATE TRIGGER passkeys_stay BEFORE UPDATE ON passkeys FOR EACH ROW EXECUTE FUNCTION "
        "passkeys_stay()"
    )
    # a sign-in with a passkey names no agency; `door` finds the key's owner
    op.execute("GRANT SELECT (tenant_id, id, member_id, credential, ended_at) ON passkeys TO door")
    op.execute("CREATE POLICY door_finds ON passkeys FOR SELECT TO door USING (true)")


def _asks() -> None:
    tenant_table(
        "passkey_asks",
        uuid_column("member_id", nullable=True),
        text("who"),
        text("challenge"),
        text("act"),
        text("about"),
        instant("asked_at"),
        instant("expires_at"),
        instant("taken_at", nullable=True),
        instant("answered_at", nullable=True),
        instant("spent_at", nullable=True),
        uuid_column("passkey_id", nullable=True),
        inside("member_id", "members"),
        inside("passkey_id", "passkeys"),
        unique("passkey_asks_challenge", "challenge"),
        sa.CheckConstraint("(answered_at IS NULL) = (passkey_id IS NULL)", name="passkey_asks_answered"),
        sa.CheckConstraint("spent_at IS NULL OR answered_at IS NOT NULL", name="passkey_asks_spent"),
        write=("app", "door"),
    )
    op.create_index("passkey_asks_who", "passkey_asks", ["tenant_id", "who", "asked_at"])
    op.execute(ONCE)
    op.execute(
        "CREATE TRIGGER passkey_asks_once BEFORE UPDATE ON passkey_asks"
        " FOR EACH ROW EXECUTE FUNCTION passkey_asks_once()"
    )


def _likeness() -> None:
    tenant_table(
        "account_holders",
        uuid_column("person_id"),
        uuid_column("principal_id"),
        uuid_column("channel_id"),
        text("account"),
        text("custodian"),
        text("evidence_digest"),
        instant("verified_at"),
        instant("valid_until", nullable=True),
        instant("ended_at", nullable=True),
        text("ended_by"),
        inside("person_id", "persons"),
        inside("principal_id", "principals"),
        write=("gate",),
    )
    op.create_index("account_holders_account", "account_holders", ["tenant_id", "channel_id"])
    tenant_table(
        "own_releases",
        text("subject_kind"),
        uuid_column("subject_id"),
        text("unit_digest"),
        uuid_column("channel_id"),
        uuid_column("member_id"),
        uuid_column("passkey_id"),
        uuid_column("ask_id"),
        number("seen_percent"),
        instant("ended_at", nullable=True),
        text("ended_by"),
        inside("member_id", "members"),
        inside("passkey_id", "passkeys"),
        inside("ask_id", "passkey_asks"),
        unique("own_releases_ask", "ask_id"),
        write=("gate",),
    )
    op.create_index("own_releases_subject", "own_releases", ["tenant_id", "subject_id"])
    op.execute(ENDS)
    for table in ("account_holders", "own_releases"):
        op.execute(f"REVOKE DELETE ON {table} FROM gate")
        op.execute(
            f"CREATE TRIGGER ends_once BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION "
            "ends_once()"
        )


def downgrade() -> None:
    for table in ("own_releases", "account_holders", "passkey_asks", "passkeys"):
        op.drop_table(table)
    for function in ("ends_once", "passkey_asks_once", "passkeys_stay"):
        op.execute(f"DROP FUNCTION {function}()")
    op.drop_column("agencies", "second_factor")
