"""Fans, conversations, drafts, personas, offers, orders, payments, the ledger."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _directory()
    _chat()
    _personas()
    _shop()
    _payments()
    _ledger()


def _creator() -> list[sa.schema.SchemaItem]:
    return [uuid_column("creator_id"), inside("creator_id", "creators")]


def _directory() -> None:
    tenant_table(
        "fans",
        *_creator(),
        text("display_name"),
        text("language"),
        text("tz", nullable=True),
        text("opt_out"),
        text("status"),
        instant("disclosed_at", nullable=True),
        text("notice_version", nullable=True),
    )
    tenant_table(
        "fan_identities",
        *_creator(),
        uuid_column("fan_id"),
        uuid_column("channel_id"),
        text("native_id"),
        text("handle"),
        text("reachable"),
        inside("fan_id", "fans"),
        inside("channel_id", "channels"),
        unique("fan_identities_native", "channel_id", "native_id"),
    )
    op.create_index("fan_identities_fan", "fan_identities", ["tenant_id", "fan_id"])
    tenant_table(
        "fan_facts",
        *_creator(),
        uuid_column("fan_id"),
        jsonb("spent"),
        number("buys"),
        number("messages_in"),
        number("messages_out"),
        instant("last_in_at", nullable=True),
        instant("last_out_at", nullable=True),
        inside("fan_id", "fans"),
        unique("fan_facts_fan", "fan_id"),
    )


def _chat() -> None:
    tenant_table(
        "conversations",
        *_creator(),
        uuid_column("fan_id"),
        uuid_column("channel_id"),
        text("owner"),
        uuid_column("owner_member_id", nullable=True),
        number("epoch"),
        flag("safety_hold"),
        jsonb("reason", nullable=True),
        number("priority"),
        text("language"),
        number("last_in_seq"),
        number("last_seq"),
        instant("last_in_at", nullable=True),
        instant("session_at", nullable=True),
        instant("unanswered_since", nullable=True),
        number("redone"),
        number("unsure"),
        inside("fan_id", "fans"),
        inside("channel_id", "channels"),
        unique("conversations_once", "fan_id", "channel_id"),
    )
    tenant_table(
        "conversation_moves",
        *_creator(),
        uuid_column("conversation_id"),
        number("epoch"),
        text("before"),
        text("after"),
        text("by"),
        jsonb("reason", nullable=True),
        inside("conversation_id", "conversations"),
        unique("conversation_moves_epoch", "conversation_id", "epoch"),
        append_only=True,
    )
    _drafts()
    tenant_table(
        "messages",
        *_creator(),
        uuid_column("conversation_id"),
        number("seq"),
        text("direction"),
        text("author"),
        text("kind"),
        text("body"),
        text("native_id"),
        uuid_column("draft_id", nullable=True),
        jsonb("media"),
        instant("at"),
        inside("conversation_id", "conversations"),
        inside("draft_id", "drafts"),
        unique("messages_seq", "conversation_id", "seq"),
        unique("messages_native", "conversation_id", "direction", "native_id"),
    )
    tenant_table(
        "safety_events",
        *_creator(),
        uuid_column("conversation_id"),
        text("kind"),
        text("layer"),
        text("excerpt_digest"),
        text("action"),
        inside("conversation_id", "conversations"),
        append_only=True,
    )


def _drafts() -> None:
    tenant_table(
        "drafts",
        *_creator(),
        uuid_column("conversation_id"),
        uuid_column("channel_id"),
        number("epoch"),
        number("in_reply_to_seq"),
        text("origin"),
        text("kind"),
        text("state"),
        text("text"),
        text("service"),
        jsonb("buttons"),
        jsonb("media"),
        jsonb("invoice", nullable=True),
        uuid_column("offer_id", nullable=True),
        uuid_column("order_id", nullable=True),
        text("language"),
        instant("expires_at"),
        number("attempt"),
        number("lookups"),
        instant("deadline_at", nullable=True),
        text("native_id", nullable=True),
        text("approved_by", nullable=True),
        jsonb("reason", nullable=True),
        text("prompt_digest"),
        text("model"),
        number("tokens"),
        number("confidence_pct", nullable=True),
        text("original_text"),
        inside("conversation_id", "conversations"),
        inside("channel_id", "channels"),
    )
    op.create_index("drafts_of_conversation", "drafts", ["tenant_id", "conversation_id", "state"])


def _personas() -> None:
    tenant_table(
        "personas",
        *_creator(),
        number("version"),
        text("state"),
        text("level"),
        flag("virtual"),
        text("name"),
        text("card"),
        text("voice"),
        jsonb("examples"),
        jsonb("rules"),
        jsonb("forbidden"),
        jsonb("languages"),
        text("digest"),
        unique("personas_version", "creator_id", "version"),
    )
    op.create_index(
        "personas_active",
        "personas",
        ["tenant_id", "creator_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )


def _shop() -> None:
    tenant_table(
        "prices",
        *_creator(),
        uuid_column("pack_id"),
        text("rail"),
        text("currency"),
        number("amount_minor", big=True),
        inside("pack_id", "packs"),
        unique("prices_once", "pack_id", "rail", "currency"),
        sa.CheckConstraint("amount_minor > 0", name="prices_positive"),
    )
    tenant_table(
        "offers",
        *_creator(),
        uuid_column("fan_id"),
        uuid_column("conversation_id"),
        uuid_column("pack_id"),
        number("pack_version"),
        text("title"),
        text("rail"),
        text("currency"),
        number("amount_minor", big=True),
        text("state"),
        instant("expires_at"),
        inside("fan_id", "fans"),
        inside("pack_id", "packs"),
    )
    op.create_index("offers_of_fan", "offers", ["tenant_id", "fan_id", "pack_id"])
    tenant_table(
        "orders",
        *_creator(),
        uuid_column("fan_id"),
        uuid_column("conversation_id"),
        uuid_column("channel_id"),
        uuid_column("offer_id", nullable=True),
        uuid_column("pack_id"),
        number("pack_version"),
        text("title"),
        text("rail"),
        text("currency"),
        number("amount_minor", big=True),
        text("state"),
        instant("expires_at"),
        instant("checkout_at", nullable=True),
        jsonb("reason", nullable=True),
        inside("fan_id", "fans"),
        inside("channel_id", "channels"),
        inside("pack_id", "packs"),
    )
    op.create_index("orders_of_fan", "orders", ["tenant_id", "fan_id", "state"])


def _payments() -> None:
    tenant_table(
        "payments",
        *_creator(),
        text("rail"),
        text("account"),
        uuid_column("channel_id"),
        text("charge_id"),
        uuid_column("order_id", nullable=True),
        uuid_column("fan_id", nullable=True),
        text("payer"),
        number("amount_minor", big=True),
        text("currency"),
        text("product"),
        text("kind"),
        instant("at"),
        inside("order_id", "orders"),
        inside("fan_id", "fans"),
        inside("channel_id", "channels"),
        unique("payments_charge", "rail", "account", "charge_id"),
    )
    op.create_index("payments_of_order", "payments", ["tenant_id", "order_id"])
    tenant_table(
        "fulfilments",
        *_creator(),
        uuid_column("payment_id"),
        uuid_column("order_id"),
        uuid_column("fan_id"),
        uuid_column("conversation_id"),
        uuid_column("channel_id"),
        uuid_column("pack_id"),
        number("pack_version"),
        text("state"),
        number("attempt"),
        number("lookups"),
        instant("deadline_at", nullable=True),
        text("native_id", nullable=True),
        instant("settled_at", nullable=True),
        jsonb("reason", nullable=True),
        inside("payment_id", "payments"),
        inside("order_id", "orders"),
        inside("channel_id", "channels"),
        inside("pack_id", "packs"),
        unique("fulfilments_payment", "payment_id"),
    )
    tenant_table(
        "entitlements",
        *_creator(),
        uuid_column("fan_id"),
        uuid_column("pack_id"),
        number("pack_version"),
        text("title"),
        uuid_column("payment_id"),
        text("state"),
        inside("fan_id", "fans"),
        inside("payment_id", "payments"),
        inside("pack_id", "packs"),
        unique("entitlements_payment", "payment_id"),
    )
    op.create_index("entitlements_of_fan", "entitlements", ["tenant_id", "fan_id", "pack_id"])
    tenant_table(
        "refunds",
        *_creator(),
        uuid_column("payment_id"),
        text("state"),
        jsonb("reason", nullable=True),
        text("by"),
        number("tries"),
        instant("done_at", nullable=True),
        inside("payment_id", "payments"),
        unique("refunds_payment", "payment_id"),
    )


def _ledger() -> None:
    tenant_table(
        "split_rules",
        *_creator(),
        instant("effective_from"),
        number("agency_bp"),
        number("creator_bp"),
        number("chatter_bp"),
        unique("split_rules_from", "creator_id", "effective_from"),
        sa.CheckConstraint("agency_bp + creator_bp = 10000", name="split_rules_whole"),
        sa.CheckConstraint("chatter_bp BETWEEN 0 AND 10000", name="split_rules_chatter"),
        append_only=True,
    )
    tenant_table(
        "ledger_transactions",
        *_creator(),
        text("kind"),
        text("source_kind"),
        text("source_key"),
        uuid_column("fan_id", nullable=True),
        instant("occurred_at"),
        inside("fan_id", "fans"),
        unique("ledger_transactions_source", "source_kind", "source_key"),
        append_only=True,
    )
    op.create_index("ledger_by_day", "ledger_transactions", ["tenant_id", "creator_id", "occurred_at"])
    tenant_table(
        "ledger_entries",
        *_creator(),
        uuid_column("transaction_id"),
        text("account"),
        text("currency"),
        number("amount_minor", big=True),
        inside("transaction_id", "ledger_transactions"),
        append_only=True,
    )
    op.create_index("ledger_entries_account", "ledger_entries", ["tenant_id", "account"])
    op.create_index("ledger_entries_of", "ledger_entries", ["tenant_id", "transaction_id"])
    # deferred to the commit, so that the entries of a transaction may be inserted one by one
    op.execute(
        "CREATE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF EXISTS (SELECT 1 FROM ledger_entries WHERE tenant_id = NEW.tenant_id"
        "   AND transaction_id = NEW.transaction_id GROUP BY currency HAVING sum(amount_minor) <> "
        "0) THEN"
        "   RAISE EXCEPTION 'ledger transaction % does not sum to zero', NEW.transaction_id"
        "     USING ERRCODE = 'check_violation';"
        " END IF; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER ledger_balances AFTER INSERT ON ledger_entries"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balances()"
    )
