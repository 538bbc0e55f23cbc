"""Tables of the room: fans, conversations, drafts, personas, offers, orders, payments."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from foundation.db.database import (
    CreatorOwnedRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


def tenant_foreign_key(column: str, name: str) -> ForeignKeyConstraint:
    """A key to another table of the same tenant."""
    return ForeignKeyConstraint(["tenant_id", column], [f"{name}.tenant_id", f"{name}.id"])


def _chat_table_arguments(*constraints: Any) -> Any:
    return table_arguments(*constraints, about="fan", keep="18 months after the last activity")


def accounting_table_args(*constraints: Any, about: str = "fan") -> Any:
    """What the law wants kept for ten years."""
    return table_arguments(*constraints, about=about, keep="10 years")


def amount_column() -> Any:
    """An amount in minor units of the row's currency."""
    return Field(sa_type=BigInteger)


class Fan(CreatorOwnedRow, table=True):
    """A person who writes to one creator. Age is no column: it is asked of `gate.viewers.age_assurance` by identity."""

    __tablename__ = "fans"
    __table_args__ = _chat_table_arguments()
    display_name: str
    language: str
    tz: str | None = None
    opt_out: str = "none"
    """none, sales or all."""
    status: str = "active"
    """active, blocked, merged or erased."""
    disclosed_at: datetime | None = timestamp_column(optional=True)
    """When the notice that a machine answers last arrived."""
    notice_version: str | None = None


class FanIdentity(CreatorOwnedRow, table=True):
    """A fan on one of our accounts."""

    __tablename__ = "fan_identities"
    __table_args__ = _chat_table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "native_id"),
        Index("fan_identities_fan", "tenant_id", "fan_id"),
        tenant_foreign_key("fan_id", "fans"),
    )
    fan_id: UUID
    channel_id: UUID
    native_id: str
    handle: str
    reachable: str = "yes"
    """yes, blocked_us, dm_closed or gone."""


class FanFacts(CreatorOwnedRow, table=True):
    """Read model of a fan, rebuilt from ledger and messages; nobody writes it by hand."""

    __tablename__ = "fan_facts"
    __table_args__ = _chat_table_arguments(
        UniqueConstraint("tenant_id", "fan_id"), tenant_foreign_key("fan_id", "fans")
    )
    fan_id: UUID
    spent: dict[str, Any] = jsonb_column()
    """Minor units by currency, refunds taken off."""
    buys: int = 0
    messages_in: int = 0
    messages_out: int = 0
    last_in_at: datetime | None = timestamp_column(optional=True)
    last_out_at: datetime | None = timestamp_column(optional=True)


class Conversation(CreatorOwnedRow, table=True):
    """A fan's chat on one account, with exactly one owner; what an older epoch wrote is never sent. What they say in
    everybody's sight is another one: `kind` is private or public."""

    __tablename__ = "conversations"
    __table_args__ = _chat_table_arguments(
        UniqueConstraint("tenant_id", "fan_id", "channel_id", "kind", name="conversations_once"),
        tenant_foreign_key("fan_id", "fans"),
    )
    fan_id: UUID
    channel_id: UUID
    kind: str = Field(default="private", sa_column_kwargs={"server_default": "private"})
    owner: str
    owner_member_id: UUID | None = None
    epoch: int = 1
    safety_hold: bool = False
    reason: dict[str, Any] | None = message_column()
    priority: int = 5
    language: str
    last_in_seq: int = 0
    last_seq: int = 0
    last_in_at: datetime | None = timestamp_column(optional=True)
    session_at: datetime | None = timestamp_column(optional=True)
    """Start of the session: a fan away for a day begins a new one."""
    unanswered_since: datetime | None = timestamp_column(optional=True)
    redone: int = 0
    """Turns in a row thrown away because the fan wrote on."""
    unsure: int = 0
    """Answers in a row of little confidence."""
    snoozed_until: datetime | None = timestamp_column(optional=True)


class ConversationMove(CreatorOwnedRow, table=True):
    """A change of owner, append-only: one row for each epoch."""

    __tablename__ = "conversation_moves"
    __table_args__ = _chat_table_arguments(
        UniqueConstraint("tenant_id", "conversation_id", "epoch"),
        tenant_foreign_key("conversation_id", "conversations"),
    )
    conversation_id: UUID
    epoch: int
    before: str
    after: str
    by: str
    reason: dict[str, Any] | None = message_column()


class PublicComment(CreatorOwnedRow, table=True):
    """A line of a public conversation: where on the platform it was said. `under` is the native id of our post, ""
    where nobody told; `state` is open, answered, hidden, deleted or done, what was done with it last; `liked` by the
    account, as far as it was done here."""

    __tablename__ = "remarks"
    __table_args__ = _chat_table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "native_id"),
        UniqueConstraint("tenant_id", "conversation_id", "seq"),
        tenant_foreign_key("conversation_id", "conversations"),
    )
    conversation_id: UUID
    channel_id: UUID
    seq: int
    native_id: str
    under: str
    url: str
    said_at: datetime | None = timestamp_column(optional=True)
    state: str
    liked: bool = False


class Draft(CreatorOwnedRow, table=True):
    """An outgoing message. `origin` is bot, member or auto; `service` the code of a catalogue sentence."""

    __tablename__ = "drafts"
    __table_args__ = _chat_table_arguments(
        Index("drafts_of_conversation", "tenant_id", "conversation_id", "state"),
        Index("drafts_locked", "tenant_id", "channel_id", "native_id", postgresql_where=text("kind = 'locked'")),
        tenant_foreign_key("conversation_id", "conversations"),
        tenant_foreign_key("remark_id", "remarks"),
    )
    conversation_id: UUID
    channel_id: UUID
    epoch: int
    in_reply_to_seq: int
    origin: str
    kind: str
    """text, notice, invoice, pack, locked (a pack behind its price), service or remark, an answer in everybody's
    sight."""
    state: str
    text: str = ""
    service: str = ""
    buttons: list[dict[str, Any]] = jsonb_column(list)
    media: list[dict[str, Any]] = jsonb_column(list)
    invoice: dict[str, Any] | None = message_column()
    offer_id: UUID | None = None
    order_id: UUID | None = None
    remark_id: UUID | None = None
    language: str
    expires_at: datetime = timestamp_column()
    attempt: int = 0
    lookups: int = 0
    deadline_at: datetime | None = timestamp_column(optional=True)
    native_id: str | None = None
    approved_by: str | None = None
    reason: dict[str, Any] | None = message_column()
    prompt_digest: str = ""
    model: str = ""
    tokens: int = 0
    confidence_pct: int | None = None
    original_text: str = ""
    written_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The member whose words these are: who typed or rewrote them; empty for a model's and the house's."""


class ChatMessage(CreatorOwnedRow, table=True):
    """One line of a conversation, in the order `seq`."""

    __tablename__ = "messages"
    __table_args__ = _chat_table_arguments(
        UniqueConstraint("tenant_id", "conversation_id", "seq"),
        UniqueConstraint("tenant_id", "conversation_id", "direction", "native_id"),
        Index("messages_recent", "tenant_id", "creator_id", "at"),
        tenant_foreign_key("conversation_id", "conversations"),
        tenant_foreign_key("draft_id", "drafts"),
    )
    conversation_id: UUID
    seq: int
    direction: str
    """in or out."""
    author: str
    """fan, bot, member or system."""
    kind: str
    body: str
    native_id: str
    draft_id: UUID | None = None
    media: list[str] = jsonb_column(list)
    at: datetime = timestamp_column()


class SafetyEvent(CreatorOwnedRow, table=True):
    """A signal of crisis, minority or doubt about who speaks; the words themselves are not kept here."""

    __tablename__ = "safety_events"
    __table_args__ = table_arguments(
        tenant_foreign_key("conversation_id", "conversations"), about="nobody", keep="5 years"
    )
    conversation_id: UUID
    kind: str
    layer: str
    excerpt_digest: str
    action: str


class Persona(CreatorOwnedRow, table=True):
    """A version of who speaks for a creator: immutable but for its state, one active."""

    __tablename__ = "personas"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "version"),
        Index("personas_active", "tenant_id", "creator_id", unique=True, postgresql_where=text("state = 'active'")),
        about="creator",
        keep="forever",
    )
    version: int
    state: str
    """draft, active or retired."""
    level: str
    """copilot or autopilot."""
    virtual: bool
    name: str
    card: str
    voice: str
    examples: list[dict[str, Any]] = jsonb_column(list)
    rules: list[str] = jsonb_column(list)
    forbidden: list[str] = jsonb_column(list)
    languages: list[str] = jsonb_column(list)
    digest: str


class Price(CreatorOwnedRow, table=True):
    """What a pack costs on a rail."""

    __tablename__ = "prices"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "pack_id", "rail", "currency"),
        CheckConstraint("amount_minor > 0", name="prices_positive"),
        about="nobody",
        keep="forever",
    )
    pack_id: UUID
    rail: str
    currency: str
    amount_minor: int = amount_column()


class Offer(CreatorOwnedRow, table=True):
    """A pack shown to a fan at a price that is kept until it expires."""

    __tablename__ = "offers"
    __table_args__ = _chat_table_arguments(
        Index("offers_of_fan", "tenant_id", "fan_id", "pack_id"), tenant_foreign_key("fan_id", "fans")
    )
    fan_id: UUID
    conversation_id: UUID
    pack_id: UUID
    pack_version: int
    title: str
    rail: str
    currency: str
    amount_minor: int = amount_column()
    state: str
    """shown, accepted, declined, expired or withdrawn."""
    expires_at: datetime = timestamp_column()


class Order(CreatorOwnedRow, table=True):
    """A fan's yes to an offer: price and pack as they stood then."""

    __tablename__ = "orders"
    __table_args__ = accounting_table_args(
        Index("orders_of_fan", "tenant_id", "fan_id", "state"), tenant_foreign_key("fan_id", "fans")
    )
    fan_id: UUID
    conversation_id: UUID
    channel_id: UUID
    offer_id: UUID | None = None
    pack_id: UUID
    pack_version: int
    title: str
    rail: str
    currency: str
    amount_minor: int = amount_column()
    state: str
    way: str = Field(default="invoice", sa_column_kwargs={"server_default": "invoice"})
    """invoice, or locked: what was bought lies behind its price in the chat."""
    expires_at: datetime = timestamp_column()
    checkout_at: datetime | None = timestamp_column(optional=True)
    """When its fan was last about to pay; of one that is locked, when we were told that they had."""
    reason: dict[str, Any] | None = message_column()


class Payment(CreatorOwnedRow, table=True):
    """A charge: the only thing that decides about money. `kind` is matched, duplicate or orphan."""

    __tablename__ = "payments"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "rail", "account", "charge_id"),
        Index("payments_of_order", "tenant_id", "order_id"),
        Index("payments_recent", "tenant_id", "creator_id", "at"),
        tenant_foreign_key("order_id", "orders"),
        tenant_foreign_key("fan_id", "fans"),
    )
    rail: str
    account: str
    channel_id: UUID
    charge_id: str
    order_id: UUID | None = None
    fan_id: UUID | None = None
    payer: str
    amount_minor: int = amount_column()
    currency: str
    product: str
    kind: str
    recovered: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Nobody told us of it: it was found in the platform's list."""
    at: datetime = timestamp_column()


class Fulfilment(CreatorOwnedRow, table=True):
    """The one push of a paid pack."""

    __tablename__ = "fulfilments"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "payment_id"),
        tenant_foreign_key("payment_id", "payments"),
        tenant_foreign_key("order_id", "orders"),
    )
    payment_id: UUID
    order_id: UUID
    fan_id: UUID
    conversation_id: UUID
    channel_id: UUID
    pack_id: UUID
    pack_version: int
    state: str
    attempt: int = 0
    lookups: int = 0
    deadline_at: datetime | None = timestamp_column(optional=True)
    native_id: str | None = None
    settled_at: datetime | None = timestamp_column(optional=True)
    reason: dict[str, Any] | None = message_column()


class Entitlement(CreatorOwnedRow, table=True):
    """A pack a fan owns, for ever or until its payment is given back."""

    __tablename__ = "entitlements"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "payment_id"),
        Index("entitlements_of_fan", "tenant_id", "fan_id", "pack_id"),
        tenant_foreign_key("payment_id", "payments"),
        tenant_foreign_key("fan_id", "fans"),
    )
    fan_id: UUID
    pack_id: UUID
    pack_version: int
    title: str
    payment_id: UUID
    state: str
    """active or revoked."""


class Refund(CreatorOwnedRow, table=True):
    """A payment on its way back to its payer."""

    __tablename__ = "refunds"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "payment_id"), tenant_foreign_key("payment_id", "payments")
    )
    payment_id: UUID
    state: str
    reason: dict[str, Any] | None = message_column()
    by: str
    tries: int = 0
    done_at: datetime | None = timestamp_column(optional=True)
