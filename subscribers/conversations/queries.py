"""Read models of conversations for other packages and pages: frozen values, no tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.money import Money
from subscribers.conversations.states import DraftState, OwnerState
from subscribers.orders.states import FulfilmentState, OrderState


@dataclass(frozen=True)
class ThreadLine:
    """A message of a thread. `author` is fan, bot, member or system; `kind` is text, notice,
    invoice, pack, button and so on."""

    seq: int
    author: str
    kind: str
    body: str
    media: tuple[str, ...]
    at: datetime


@dataclass(frozen=True)
class UnsentDraft:
    """A draft that waits for approval, for its turn, or for the platform's response."""

    id: UUID
    kind: str
    state: DraftState
    text: str
    reason: Message | None


@dataclass(frozen=True)
class ConversationThread:
    """A conversation with its owner, messages and unsent drafts."""

    id: UUID
    creator_id: UUID
    fan_id: UUID
    fan: str
    channel_id: UUID
    owner: OwnerState
    epoch: int
    safety_hold: bool
    reason: Message | None
    lines: tuple[ThreadLine, ...]
    waiting: tuple[UnsentDraft, ...]


@dataclass(frozen=True)
class OrderStory:
    """An order with the state of its fulfilment, None before payment."""

    id: UUID
    creator_id: UUID
    fan_id: UUID
    title: str
    price: Money
    state: OrderState
    push: FulfilmentState | None
    created_at: datetime


@dataclass(frozen=True)
class PaymentStory:
    """A charge and its result. `kind` is matched, duplicate or orphan; `refund` is the state of its
    refund."""

    id: UUID
    charge_id: str
    money: Money
    kind: str
    order_id: UUID | None
    refund: str | None
    at: datetime


@dataclass(frozen=True)
class ChatCounts:
    """Numbers of messages and new fans in a period."""

    messages_in: int
    messages_out: int
    new_fans: int


@dataclass(frozen=True)
class OwnedPackView:
    """A pack that a fan bought; not active once it was refunded."""

    pack_id: UUID
    title: str
    active: bool


@dataclass(frozen=True)
class FanFactsView:
    """The read model of a fan. `spent` maps currencies to minor units."""

    fan_id: UUID
    display_name: str
    spent: Mapping[str, int]
    buys: int
    messages_in: int
    messages_out: int
    last_in_at: datetime | None
    last_out_at: datetime | None


def thread(scope: Scope, conversation_id: UUID) -> ConversationThread:
    """Return a conversation with all messages. Raises NotFound, also for another tenant's
    conversation."""
    row = scope.run(
        "SELECT c.id, c.creator_id, c.fan_id, f.display_name, c.channel_id, c.owner, c.epoch, "
        "c.safety_hold, c.reason"
        " FROM conversations c JOIN fans f ON f.tenant_id = c.tenant_id AND f.id = c.fan_id"
        " WHERE c.tenant_id = :tenant AND c.id = :id",
        tenant=scope.tenant_id,
        id=conversation_id,
    ).one_or_none()
    if row is None:
        raise NotFound("conversation.unknown")
    return ConversationThread(
        row.id,
        row.creator_id,
        row.fan_id,
        row.display_name,
        row.channel_id,
        OwnerState(row.owner),
        row.epoch,
        row.safety_hold,
        _message_from_json(row.reason),
        _list_lines(scope, conversation_id),
        _list_unsent_drafts(scope, conversation_id),
    )


def find_conversation(scope: Scope, channel_id: UUID, native_id: str) -> UUID | None:
    """Return the private conversation of a platform's user on one of our accounts, or None."""
    found: UUID | None = scope.run(
        "SELECT c.id FROM conversations c JOIN fan_identities i ON i.tenant_id = c.tenant_id AND "
        "i.fan_id = c.fan_id"
        " AND i.channel_id = c.channel_id WHERE c.tenant_id = :tenant AND c.channel_id = :channel"
        " AND i.native_id = :native AND c.kind = 'private'",
        tenant=scope.tenant_id,
        channel=channel_id,
        native=native_id,
    ).scalar()
    return found


_ORDERS = (
    "SELECT o.id, o.creator_id, o.fan_id, o.title, o.amount_minor, o.currency, o.state, p.state "
    "AS push, o.created_at"
    " FROM orders o LEFT JOIN fulfilments p ON p.tenant_id = o.tenant_id AND p.order_id = o.id"
    " WHERE o.tenant_id = :tenant"
)


def order(scope: Scope, order_id: UUID) -> OrderStory:
    """Return an order. Raises NotFound, also for another tenant's order."""
    row = scope.run(f"{_ORDERS} AND o.id = :id", tenant=scope.tenant_id, id=order_id).one_or_none()
    if row is None:
        raise NotFound("order.unknown")
    return _order_from_row(row)


def orders(scope: Scope, creator_id: UUID, *, since: datetime, until: datetime) -> list[OrderStory]:
    """Return a creator's orders created in [since, until), oldest first."""
    rows = scope.run(
        f"{_ORDERS} AND o.creator_id = :creator AND o.created_at >= :since AND o.created_at < "
        ":until"
        " ORDER BY o.created_at, o.id",
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        until=until,
    )
    return [_order_from_row(row) for row in rows]


def _order_from_row(row: Any) -> OrderStory:
    return OrderStory(
        row.id,
        row.creator_id,
        row.fan_id,
        row.title,
        Money(row.amount_minor, row.currency),
        OrderState(row.state),
        FulfilmentState(row.push) if row.push else None,
        row.created_at,
    )


_ONLY_IN_PUBLIC = (
    "EXISTS (SELECT FROM conversations c WHERE c.tenant_id = f.tenant_id AND c.fan_id = f.id HAVING"
    " bool_and(c.kind = 'public'))"
)
"""SQL condition: the fan `f` only ever commented in public, and so does not count as a subscriber.
"""


def count_chat_activity(
    scope: Scope, creator_id: UUID, since: datetime, until: datetime
) -> ChatCounts:
    """Return the counts of a creator's chat messages and new fans in [since, until), without
    comments and edits."""
    row = scope.run(
        "SELECT count(*) FILTER (WHERE direction = 'in'),"  # noqa: S608  a constant
        " count(*) FILTER (WHERE direction = 'out'),"
        " (SELECT count(*) FROM fans f WHERE f.tenant_id = :tenant AND f.creator_id = :creator"
        f"   AND f.created_at >= :since AND f.created_at < :until AND NOT {_ONLY_IN_PUBLIC})"
        " FROM messages WHERE tenant_id = :tenant AND creator_id = :creator AND at >= :since AND "
        "at < :until"
        " AND kind NOT IN ('remark', 'edited')",
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        until=until,
    ).one()
    return ChatCounts(*row)


def payments(
    scope: Scope, creator_id: UUID, *, since: datetime, until: datetime
) -> list[PaymentStory]:
    """Return a creator's charges in [since, until) with the states of their refunds."""
    rows = scope.run(
        "SELECT p.id, p.charge_id, p.amount_minor, p.currency, p.kind, p.order_id, r.state AS "
        "refund, p.at"
        " FROM payments p LEFT JOIN refunds r ON r.tenant_id = p.tenant_id AND r.payment_id = p.id"
        " WHERE p.tenant_id = :tenant AND p.creator_id = :creator AND p.at >= :since AND p.at < "
        ":until"
        " ORDER BY p.at, p.id",
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        until=until,
    )
    return [
        PaymentStory(
            row.id,
            row.charge_id,
            Money(row.amount_minor, row.currency),
            row.kind,
            row.order_id,
            row.refund,
            row.at,
        )
        for row in rows
    ]


def list_owned_packs(scope: Scope, fan_id: UUID) -> list[OwnedPackView]:
    """Return the packs that a fan bought, newest first."""
    rows = scope.run(
        "SELECT pack_id, title, state FROM entitlements WHERE tenant_id = :tenant AND fan_id = "
        ":fan ORDER BY id DESC",
        tenant=scope.tenant_id,
        fan=fan_id,
    )
    return [OwnedPackView(row.pack_id, row.title, row.state == "active") for row in rows]


def fan_facts(scope: Scope, creator_id: UUID) -> list[FanFactsView]:
    """Return the read models of a creator's fans, most recent message first. Erased fans and fans
    who only commented are left out."""
    rows = scope.run(
        "SELECT f.id, f.display_name, x.spent, x.buys,"  # noqa: S608  a constant
        " x.messages_in, x.messages_out, x.last_in_at, x.last_out_at"
        " FROM fan_facts x JOIN fans f ON f.tenant_id = x.tenant_id AND f.id = x.fan_id"
        " WHERE x.tenant_id = :tenant AND x.creator_id = :creator AND f.status <> 'erased'"
        f" AND NOT {_ONLY_IN_PUBLIC}"
        " ORDER BY x.last_in_at DESC NULLS LAST, f.id",
        tenant=scope.tenant_id,
        creator=creator_id,
    )
    return [FanFactsView(*row) for row in rows]


def _list_lines(scope: Scope, conversation_id: UUID) -> tuple[ThreadLine, ...]:
    rows = scope.run(
        "SELECT seq, author, kind, body, media, at FROM messages WHERE tenant_id = :tenant"
        " AND conversation_id = :talk ORDER BY seq",
        tenant=scope.tenant_id,
        talk=conversation_id,
    )
    return tuple(
        ThreadLine(row.seq, row.author, row.kind, row.body, tuple(row.media), row.at)
        for row in rows
    )


def _list_unsent_drafts(scope: Scope, conversation_id: UUID) -> tuple[UnsentDraft, ...]:
    rows = scope.run(
        "SELECT id, kind, state, text, reason FROM drafts WHERE tenant_id = :tenant AND "
        "conversation_id = :talk"
        " AND state IN ('pending', 'draft', 'approved', 'auto', 'sending', 'uncertain') ORDER BY "
        "id",
        tenant=scope.tenant_id,
        talk=conversation_id,
    )
    return tuple(
        UnsentDraft(
            row.id, row.kind, DraftState(row.state), row.text, _message_from_json(row.reason)
        )
        for row in rows
    )


def _message_from_json(stored: dict[str, object] | None) -> Message | None:
    return Message.from_json(stored) if stored else None
