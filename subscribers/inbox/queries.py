"""Read models of the inbox: one conversation and the card of its fan. The list is in
`conversation_list`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.money import Money
from gate.policy import emergency_stops
from gate.viewers import age_assurance
from gate.viewers.age_assurance import AgeAssuranceSummary
from subscribers.conversations.queries import ThreadLine
from subscribers.conversations.states import DraftState, OwnerState
from subscribers.inbox import fan_notes
from subscribers.inbox.fan_notes import FanNoteView
from subscribers.orders.states import OrderState
from subscribers.rails.price_text import format_price

LINES = 60
"""Number of messages of a conversation that are shown, newest last."""


@dataclass(frozen=True)
class UnsentMessage:
    """A message that is not sent yet or failed. `origin` is bot, member or auto; `offer` is the
    label of its offer."""

    id: UUID
    origin: str
    kind: str
    state: DraftState
    text: str
    reason: Message | None
    confidence: int | None
    offer: str
    at: datetime


@dataclass(frozen=True)
class ConversationDetail:
    """A conversation as a member works on it. `public` marks public comments."""

    id: UUID
    creator_id: UUID
    fan_id: UUID
    channel_id: UUID
    fan: str
    owner: OwnerState
    member_id: UUID | None
    held: bool
    reason: Message | None
    snoozed_until: datetime | None
    lines: tuple[ThreadLine, ...]
    unsent: tuple[UnsentMessage, ...]
    public: bool = False


@dataclass(frozen=True)
class FanPurchase:
    """A pack that a fan ordered, with the state of the order."""

    title: str
    price: Money
    state: OrderState
    at: datetime


@dataclass(frozen=True)
class FanCard:
    """The fan of a conversation as members see them. `spent` maps currencies to minor units."""

    name: str
    language: str
    opt_out: str
    status: str
    reachable: str
    since: datetime
    account: Channel
    age: AgeAssuranceSummary
    messages: int
    buys: int
    spent: Mapping[str, int]
    sales_stopped: bool
    orders: tuple[FanPurchase, ...]
    notes: tuple[FanNoteView, ...]


def creator_of_conversation(scope: Scope, conversation_id: UUID) -> UUID:
    """Return the creator of a conversation. Raises NotFound, also for another tenant's
    conversation."""
    found: UUID | None = scope.run(
        "SELECT creator_id FROM conversations WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=conversation_id,
    ).scalar()
    if found is None:
        raise NotFound("conversation.unknown")
    return found


def conversation_stamp(scope: Scope, conversation_id: UUID) -> str:
    """Return a value that changes when anything in the conversation changes."""
    found = scope.run(
        "SELECT c.updated_at, (SELECT max(updated_at) FROM drafts d WHERE d.tenant_id = c.tenant_id"
        "   AND d.conversation_id = c.id)"
        " FROM conversations c WHERE c.tenant_id = :tenant AND c.id = :id",
        tenant=scope.tenant_id,
        id=conversation_id,
    ).one_or_none()
    return " ".join(map(str, found)) if found else ""


_DESK = """
SELECT c.id, c.creator_id, c.fan_id, c.channel_id, f.display_name, c.owner, c.owner_member_id,
c.safety_hold, c.reason,
  c.snoozed_until, c.kind
FROM conversations c JOIN fans f ON f.tenant_id = c.tenant_id AND f.id = c.fan_id
WHERE c.tenant_id = :tenant AND c.id = :id
"""


def load_conversation_desk(scope: Scope, conversation_id: UUID) -> ConversationDetail:
    """Return a conversation with its latest messages. Raises NotFound, also for another tenant's
    conversation."""
    row = scope.run(_DESK, tenant=scope.tenant_id, id=conversation_id).one_or_none()
    if row is None:
        raise NotFound("conversation.unknown")
    return ConversationDetail(
        id=row.id,
        creator_id=row.creator_id,
        fan_id=row.fan_id,
        channel_id=row.channel_id,
        fan=row.display_name,
        owner=OwnerState(row.owner),
        member_id=row.owner_member_id,
        held=row.safety_hold,
        reason=Message.from_json(row.reason) if row.reason else None,
        snoozed_until=row.snoozed_until,
        lines=_list_lines(scope, conversation_id),
        unsent=_list_unsent_messages(scope, conversation_id),
        public=row.kind == "public",
    )


def _list_lines(scope: Scope, conversation_id: UUID) -> tuple[ThreadLine, ...]:
    found = scope.run(
        "SELECT seq, author, kind, body, media, at FROM messages WHERE tenant_id = :tenant"
        " AND conversation_id = :talk ORDER BY seq DESC LIMIT :most",
        tenant=scope.tenant_id,
        talk=conversation_id,
        most=LINES,
    )
    lines = [
        ThreadLine(row.seq, row.author, row.kind, row.body, tuple(row.media), row.at)
        for row in found
    ]
    return tuple(reversed(lines))


def _list_unsent_messages(scope: Scope, conversation_id: UUID) -> tuple[UnsentMessage, ...]:
    """Return the unsent messages, and a member's last failed message until a member
    writes again."""
    found = scope.run(
        "SELECT id, origin, kind, state, text, reason, confidence_pct, buttons, offer_id, "
        "created_at, (SELECT"
        "   jsonb_build_array(o.title, o.amount_minor, o.currency) FROM orders o WHERE "
        "o.tenant_id = d.tenant_id"
        "   AND o.id = d.order_id AND d.kind = 'locked') AS sold FROM drafts d"
        " WHERE tenant_id = :tenant AND conversation_id = :talk"
        " AND (state IN ('pending', 'draft', 'approved', 'auto', 'sending', 'uncertain')"
        "  OR state IN ('failed', 'cancelled', 'expired') AND origin = 'member' AND NOT EXISTS ("
        "   SELECT 1 FROM drafts later WHERE later.tenant_id = d.tenant_id AND later.origin = "
        "'member'"
        "   AND later.conversation_id = d.conversation_id AND later.id > d.id)) ORDER BY id",
        tenant=scope.tenant_id,
        talk=conversation_id,
    )
    return tuple(_as_unsent(row) for row in found)


def _as_unsent(row: Any) -> UnsentMessage:
    offer = row.buttons[0]["label"] if row.offer_id is not None and row.buttons else ""
    if row.sold is not None:
        title, minor, currency = row.sold
        offer = f"{title} · {format_price(Money(minor, currency))}"
    reason = Message.from_json(row.reason) if row.reason else None
    state = DraftState(row.state)
    return UnsentMessage(
        row.id,
        row.origin,
        row.kind,
        state,
        row.text,
        reason,
        row.confidence_pct,
        offer,
        row.created_at,
    )


def load_fan_card(scope: Scope, of: ConversationDetail) -> FanCard:
    """Return the card of a conversation's fan. Raises NotFound."""
    row = scope.run(
        "SELECT f.display_name, f.language, f.opt_out, f.status, i.reachable, f.created_at, "
        "i.native_id,"
        " x.messages_in, x.buys, x.spent FROM fans f"
        " JOIN fan_identities i ON i.tenant_id = f.tenant_id AND i.fan_id = f.id AND i.channel_id "
        "= :channel"
        " LEFT JOIN fan_facts x ON x.tenant_id = f.tenant_id AND x.fan_id = f.id"
        " WHERE f.tenant_id = :tenant AND f.id = :fan",
        tenant=scope.tenant_id,
        fan=of.fan_id,
        channel=of.channel_id,
    ).one_or_none()
    if row is None:
        raise NotFound("fan.unknown")
    account = queries.get_channel(scope, of.channel_id)
    chat = f"{of.channel_id}:{row.native_id}"
    return FanCard(
        name=row.display_name,
        language=row.language,
        opt_out=row.opt_out,
        status=row.status,
        reachable=row.reachable,
        since=row.created_at,
        account=account,
        age=age_assurance.get_assurance(scope, account.platform, row.native_id),
        messages=row.messages_in or 0,
        buys=row.buys or 0,
        spent=row.spent or {},
        sales_stopped=emergency_stops.is_stopped(scope, "offers", chat=chat),
        orders=_list_purchases(scope, of.fan_id),
        notes=tuple(fan_notes.list_fan_notes(scope, of.fan_id)),
    )


def _list_purchases(scope: Scope, fan_id: UUID) -> tuple[FanPurchase, ...]:
    found = scope.run(
        "SELECT title, amount_minor, currency, state, created_at FROM orders WHERE tenant_id = "
        ":tenant"
        " AND fan_id = :fan ORDER BY id DESC LIMIT 8",
        tenant=scope.tenant_id,
        fan=fan_id,
    )
    return tuple(
        FanPurchase(
            row.title, Money(row.amount_minor, row.currency), OrderState(row.state), row.created_at
        )
        for row in found
    )
