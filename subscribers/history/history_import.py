"""Import of past data: fans with their messages, sales with refunds and revenue split, and
subscriptions with their paid months. It writes no outbox rows.

Each sale is imported with its order, payment, fulfilment, entitlement and ledger entries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from foundation.db.bulk_insert import insert_rows
from foundation.db.database import Scope
from foundation.ids import derived_uuid
from foundation.money import Money
from studio.packs import packs
from subscribers.conversations.comment_rows import COMMENT_KIND, PUBLIC_CONVERSATION
from subscribers.conversations.models import ChatMessage, Conversation, PublicComment
from subscribers.conversations.states import OwnerState
from subscribers.fans.models import Fan, FanFacts, FanIdentity
from subscribers.ledger import entries as ledger
from subscribers.ledger.entries import LedgerLine, SplitShares, TransactionKind
from subscribers.ledger.models import LedgerEntry, LedgerTransaction
from subscribers.orders.models import Entitlement, Fulfilment, Order, Payment, Refund
from subscribers.orders.states import FulfilmentState, OrderState, RefundState
from subscribers.rails.contract import SUBSCRIPTION_PERIOD, SUBSCRIPTION_PRODUCT
from subscribers.subscriptions.plans import RETIRED
from subscribers.subscriptions.states import SubscriptionState
from subscribers.subscriptions.subscription_rows import Plan, Subscription, SubscriptionMonth


@dataclass(frozen=True)
class PastLine:
    """A past message. `author` is fan, bot or member; only a fan's messages count as incoming."""

    author: str
    body: str
    at: datetime


@dataclass(frozen=True)
class PastFan:
    """A fan on one account with their messages, oldest first. `since` is the time of the first
    contact."""

    id: UUID
    creator_id: UUID
    channel_id: UUID
    native_id: str
    name: str
    language: str
    since: datetime
    lines: tuple[PastLine, ...]

    @property
    def conversation_id(self) -> UUID:
        """The ID of the fan's conversation on this account."""
        return derived_uuid(self.id, self.channel_id)

    @property
    def last_at(self) -> datetime:
        """The time of the last message."""
        return self.lines[-1].at if self.lines else self.since


@dataclass(frozen=True)
class PastComment:
    """A past public comment of a fan under our post with the native ID `under`. No member has
    handled it if `is_open`."""

    fan: PastFan
    body: str
    at: datetime
    under: str
    is_open: bool = False

    @property
    def conversation_id(self) -> UUID:
        """The ID of the fan's public conversation on this account."""
        return derived_uuid(self.fan.id, self.fan.channel_id, PUBLIC_CONVERSATION)


@dataclass(frozen=True, kw_only=True)
class PastPayment:
    """A payment of a fan; `refunded_at` is set if it was refunded."""

    id: UUID
    fan: PastFan
    rail: str
    account: str
    money: Money
    charge_id: str
    at: datetime
    refunded_at: datetime | None = None

    @property
    def payment_id(self) -> UUID:
        """The ID of its payment."""
        return derived_uuid(self.id, "payment")


@dataclass(frozen=True, kw_only=True)
class PastSale(PastPayment):
    """A pack that was paid and delivered. `id` is the order's ID."""

    pack_id: UUID
    pack_version: int
    title: str


@dataclass(frozen=True, kw_only=True)
class PastPlan:
    """A plan that is no longer sold, with its packs."""

    id: UUID
    creator_id: UUID
    channel_id: UUID
    rail: str
    title: str
    description: str
    price: Money
    packs: tuple[UUID, ...]
    since: datetime


@dataclass(frozen=True)
class PastSubscription:
    """A subscription with its paid months, oldest first; there is at least one. `stopped_at` is the
    cancellation. It has ended if its last month is over."""

    id: UUID
    plan: PastPlan
    months: tuple[PastPayment, ...]
    stopped_at: datetime | None = None

    @property
    def fan(self) -> PastFan:
        """The subscriber."""
        return self.months[0].fan

    @property
    def until(self) -> datetime:
        """The end of the last paid month."""
        return self.months[-1].at + SUBSCRIPTION_PERIOD


def import_past_fans(scope: Scope, fans: Sequence[PastFan]) -> int:
    """Insert fans, identities, conversations and messages. Existing rows are not changed. Return
    the number of new fans."""
    new = insert_rows(scope, Fan, [_fan_row(fan) for fan in fans])
    insert_rows(scope, FanIdentity, [_identity_row(fan) for fan in fans])
    insert_rows(scope, Conversation, [_conversation_row(fan) for fan in fans])
    insert_rows(
        scope,
        ChatMessage,
        [
            _message_row(fan, seq, line)
            for fan in fans
            for seq, line in enumerate(fan.lines, start=1)
        ],
    )
    insert_rows(scope, FanFacts, [_fan_facts_row(fan) for fan in fans])
    return new


def import_past_comments(scope: Scope, comments: Sequence[PastComment]) -> int:
    """Insert comments of imported fans, oldest first, with their conversations. Existing rows are
    not changed. Return the number of new comments."""
    by_conversation: dict[UUID, list[PastComment]] = {}
    for one in comments:
        by_conversation.setdefault(one.conversation_id, []).append(one)
    numbered = [
        (seq, one) for mine in by_conversation.values() for seq, one in enumerate(mine, start=1)
    ]
    insert_rows(
        scope, Conversation, [_public_conversation_row(mine) for mine in by_conversation.values()]
    )
    insert_rows(scope, ChatMessage, [_comment_message_row(seq, one) for seq, one in numbered])
    return insert_rows(scope, PublicComment, [_comment_row(seq, one) for seq, one in numbered])


def _public_conversation_row(mine: Sequence[PastComment]) -> Mapping[str, object]:
    last = mine[-1]
    is_open = any(one.is_open for one in mine)
    return {
        **_conversation_row(last.fan),
        "id": last.conversation_id,
        "created_at": mine[0].at,
        "updated_at": last.at,
        "kind": PUBLIC_CONVERSATION,
        "owner": str(OwnerState.PENDING_HUMAN if is_open else OwnerState.CLOSED),
        "last_in_seq": len(mine),
        "last_seq": len(mine),
        "last_in_at": last.at,
        "session_at": mine[0].at,
    }


def _comment_message_row(seq: int, one: PastComment) -> Mapping[str, object]:
    return {
        **_message_row(one.fan, seq, PastLine("fan", one.body, one.at)),
        "id": derived_uuid(one.conversation_id, seq),
        "conversation_id": one.conversation_id,
        "kind": COMMENT_KIND,
        "native_id": f"comment:{one.conversation_id}:{seq}",
    }


def _comment_row(seq: int, one: PastComment) -> Mapping[str, object]:
    return {
        "id": derived_uuid(one.conversation_id, seq, "comment"),
        "created_at": one.at,
        "updated_at": one.at,
        "creator_id": one.fan.creator_id,
        "conversation_id": one.conversation_id,
        "channel_id": one.fan.channel_id,
        "seq": seq,
        "native_id": f"comment:{one.conversation_id}:{seq}",
        "under": one.under,
        "url": "",
        "said_at": one.at,
        "state": "open" if one.is_open else "done",
        "liked": False,
    }


def _common_columns(fan: PastFan) -> dict[str, object]:
    return {"created_at": fan.since, "updated_at": fan.last_at, "creator_id": fan.creator_id}


def _fan_row(fan: PastFan) -> Mapping[str, object]:
    return {
        **_common_columns(fan),
        "id": fan.id,
        "display_name": fan.name,
        "language": fan.language,
        "opt_out": "none",
        "status": "active",
    }


def _identity_row(fan: PastFan) -> Mapping[str, object]:
    return {
        **_common_columns(fan),
        "id": derived_uuid(fan.id, fan.channel_id, "identity"),
        "fan_id": fan.id,
        "channel_id": fan.channel_id,
        "native_id": fan.native_id,
        "handle": fan.name,
        "reachable": "yes",
    }


def _conversation_row(fan: PastFan) -> Mapping[str, object]:
    heard = [seq for seq, line in enumerate(fan.lines, start=1) if line.author == "fan"]
    return {
        **_common_columns(fan),
        "id": fan.conversation_id,
        "fan_id": fan.id,
        "channel_id": fan.channel_id,
        "owner": str(OwnerState.BOT),
        "epoch": 1,
        "safety_hold": False,
        "priority": 5,
        "language": fan.language,
        "last_in_seq": heard[-1] if heard else 0,
        "last_seq": len(fan.lines),
        "last_in_at": fan.lines[heard[-1] - 1].at if heard else None,
        "session_at": fan.since,
        "redone": 0,
        "unsure": 0,
    }


def _message_row(fan: PastFan, seq: int, line: PastLine) -> Mapping[str, object]:
    return {
        "id": derived_uuid(fan.conversation_id, seq),
        "created_at": line.at,
        "updated_at": line.at,
        "creator_id": fan.creator_id,
        "conversation_id": fan.conversation_id,
        "seq": seq,
        "direction": "in" if line.author == "fan" else "out",
        "author": line.author,
        "kind": "text",
        "body": line.body,
        "native_id": f"history:{seq}",
        "media": [],
        "at": line.at,
    }


def _fan_facts_row(fan: PastFan) -> Mapping[str, object]:
    heard = [line.at for line in fan.lines if line.author == "fan"]
    said = [line.at for line in fan.lines if line.author != "fan"]
    return {
        **_common_columns(fan),
        "id": derived_uuid(fan.id, "facts"),
        "fan_id": fan.id,
        "spent": {},
        "buys": 0,
        "messages_in": len(heard),
        "messages_out": len(said),
        "last_in_at": heard[-1] if heard else None,
        "last_out_at": said[-1] if said else None,
    }


ASKED = timedelta(minutes=3)
"""Assumed time from an order to its payment; old statements do not contain it."""

Booking = tuple[TransactionKind, str, datetime, list[LedgerLine]]
"""Kind, source kind, time and entries of one ledger transaction."""


def import_past_sales(scope: Scope, sales: Sequence[PastSale]) -> int:
    """Insert sales and book them by the revenue split in force on their day. Existing rows are not
    changed. Return the number of new sales.

    The entries sum to zero in each currency (the database enforces it); sold packs are frozen.
    """
    insert_rows(scope, Order, [_order_row(sale) for sale in sales])
    new = insert_rows(scope, Payment, [_payment_row(sale, "pack", sale.id) for sale in sales])
    insert_rows(scope, Fulfilment, [_fulfilment_row(sale) for sale in sales])
    insert_rows(scope, Entitlement, [_entitlement_row(sale) for sale in sales])
    insert_rows(
        scope,
        Refund,
        [_refund_row(sale, sale.refunded_at) for sale in sales if sale.refunded_at is not None],
    )
    _book_payments(scope, sales)
    for pack_id in sorted({sale.pack_id for sale in sales}):
        packs.freeze_pack(scope, pack_id)
    _count_buys(scope, sorted({sale.fan.creator_id for sale in sales}))
    return new


def import_past_subscriptions(scope: Scope, found: Sequence[PastSubscription]) -> int:
    """Insert subscriptions with their plans, and book their paid months as sales. Existing rows are
    not changed. Return the number of new payments."""
    plans = {one.plan.id: one.plan for one in found}
    insert_rows(scope, Plan, [_plan_row(plan) for plan in plans.values()])
    insert_rows(scope, Subscription, [_subscription_row(scope, one) for one in found])
    months = [(one, month) for one in found for month in one.months]
    new = insert_rows(
        scope, Payment, [_payment_row(month, SUBSCRIPTION_PRODUCT, None) for _, month in months]
    )
    insert_rows(scope, SubscriptionMonth, [_month_row(one, month) for one, month in months])
    _book_payments(scope, [month for _, month in months])
    _count_buys(scope, sorted({one.fan.creator_id for one in found}))
    return new


def _plan_row(plan: PastPlan) -> Mapping[str, object]:
    return {
        "id": plan.id,
        "created_at": plan.since,
        "updated_at": plan.since,
        "creator_id": plan.creator_id,
        "channel_id": plan.channel_id,
        "title": plan.title,
        "description": plan.description,
        "rail": plan.rail,
        "currency": plan.price.currency,
        "amount_minor": plan.price.minor,
        "packs": [str(one) for one in plan.packs],
        "state": RETIRED,
    }


def _subscription_row(scope: Scope, one: PastSubscription) -> Mapping[str, object]:
    first = one.months[0]
    state = SubscriptionState.ACTIVE if one.stopped_at is None else SubscriptionState.STOPPED
    if one.until <= scope.now:
        state = SubscriptionState.ENDED
    return {
        "id": one.id,
        "created_at": first.at - ASKED,
        "updated_at": one.months[-1].at,
        "creator_id": one.fan.creator_id,
        "fan_id": one.fan.id,
        "conversation_id": one.fan.conversation_id,
        "channel_id": one.fan.channel_id,
        "plan_id": one.plan.id,
        "title": one.plan.title,
        "rail": first.rail,
        "currency": first.money.currency,
        "amount_minor": first.money.minor,
        "state": str(state),
        "expires_at": first.at + timedelta(minutes=30),
        "checkout_at": first.at,
        "until": one.until,
        "first_charge": first.charge_id,
        "begun_at": first.at,
        "stopped_at": one.stopped_at,
    }


def _month_row(one: PastSubscription, month: PastPayment) -> Mapping[str, object]:
    return {
        **_payment_columns(month, "month"),
        "subscription_id": one.id,
        "payment_id": month.payment_id,
        "until": month.at + SUBSCRIPTION_PERIOD,
    }


def _book_payments(scope: Scope, payments: Sequence[PastPayment]) -> None:
    booked = _list_bookings(scope, payments)
    insert_rows(
        scope, LedgerTransaction, [_transaction_row(paid, booking) for paid, booking in booked]
    )
    insert_rows(
        scope, LedgerEntry, [row for paid, booking in booked for row in _entry_rows(paid, booking)]
    )


def _list_bookings(scope: Scope, sales: Sequence[PastPayment]) -> list[tuple[PastPayment, Booking]]:
    """Return all bookings of these payments. A revenue split starts on a day, so it is loaded once
    for each creator and day."""
    known: dict[tuple[UUID, date], SplitShares | None] = {}
    booked = []
    for sale in sales:
        key = (sale.fan.creator_id, sale.at.date())
        if key not in known:
            known[key] = ledger.revenue_split_at(scope, sale.fan.creator_id, sale.at)
        booked += [(sale, booking) for booking in past_payment_entries(sale, known[key])]
    return booked


def past_payment_entries(sale: PastPayment, shares: SplitShares | None) -> list[Booking]:
    """Return the ledger transactions of a payment: the sale, its split, the commission, and the
    reversal if it was refunded."""
    rail = ledger.rail_ledger_account(sale.rail, sale.account)
    booked: list[Booking] = [
        ("sale", ledger.PAYMENT_SOURCE, sale.at, ledger.sale_entries(sale.money, rail))
    ]
    if shares is not None:
        divided, commission = ledger.split_entries(sale.money, shares)
        booked.append(("split", "split", sale.at, divided))
        if shares.chatter:
            booked.append(("commission", "commission", sale.at, commission))
    if sale.refunded_at is not None:
        booked.append(("refund", "refund", sale.refunded_at, _reverse_entries(booked)))
    return booked


def _reverse_entries(booked: Sequence[Booking]) -> list[LedgerLine]:
    """Return the negated entries of a payment, summed by account; `sales` become `refunds`."""
    sums: dict[str, Money] = {}
    for _, _, _, entries in booked:
        for entry in entries:
            account = (
                ledger.REFUNDS_ACCOUNT if entry.account == ledger.SALES_ACCOUNT else entry.account
            )
            sums[account] = sums[account] - entry.money if account in sums else -entry.money
    return [LedgerLine(account, money) for account, money in sorted(sums.items())]


def _payment_columns(sale: PastPayment, name: str) -> dict[str, object]:
    return {
        "id": derived_uuid(sale.id, name),
        "created_at": sale.at,
        "updated_at": sale.refunded_at or sale.at,
        "creator_id": sale.fan.creator_id,
    }


def _order_row(sale: PastSale) -> Mapping[str, object]:
    return {
        **_payment_columns(sale, "order"),
        "id": sale.id,
        "created_at": sale.at - ASKED,
        "fan_id": sale.fan.id,
        "conversation_id": sale.fan.conversation_id,
        "channel_id": sale.fan.channel_id,
        "pack_id": sale.pack_id,
        "pack_version": sale.pack_version,
        "title": sale.title,
        "rail": sale.rail,
        "currency": sale.money.currency,
        "amount_minor": sale.money.minor,
        "state": str(OrderState.FULFILLED if sale.refunded_at is None else OrderState.REFUNDED),
        "expires_at": sale.at + timedelta(minutes=30),
        "checkout_at": sale.at,
    }


def _payment_row(sale: PastPayment, product: str, order_id: UUID | None) -> Mapping[str, object]:
    return {
        **_payment_columns(sale, "payment"),
        "rail": sale.rail,
        "account": sale.account,
        "channel_id": sale.fan.channel_id,
        "charge_id": sale.charge_id,
        "order_id": order_id,
        "fan_id": sale.fan.id,
        "payer": sale.fan.native_id,
        "amount_minor": sale.money.minor,
        "currency": sale.money.currency,
        "product": product,
        "kind": "matched",
        "at": sale.at,
    }


def _fulfilment_row(sale: PastSale) -> Mapping[str, object]:
    return {
        **_payment_columns(sale, "push"),
        "payment_id": sale.payment_id,
        "order_id": sale.id,
        "fan_id": sale.fan.id,
        "conversation_id": sale.fan.conversation_id,
        "channel_id": sale.fan.channel_id,
        "pack_id": sale.pack_id,
        "pack_version": sale.pack_version,
        "state": str(FulfilmentState.DELIVERED),
        "attempt": 1,
        "lookups": 0,
        "settled_at": sale.at,
    }


def _entitlement_row(sale: PastSale) -> Mapping[str, object]:
    return {
        **_payment_columns(sale, "owned"),
        "fan_id": sale.fan.id,
        "pack_id": sale.pack_id,
        "pack_version": sale.pack_version,
        "title": sale.title,
        "payment_id": sale.payment_id,
        "state": "active" if sale.refunded_at is None else "revoked",
    }


def _refund_row(sale: PastSale, at: datetime) -> Mapping[str, object]:
    return {
        **_payment_columns(sale, "refund"),
        "payment_id": sale.payment_id,
        "state": str(RefundState.DONE),
        "by": "system:history",
        "tries": 1,
        "done_at": at,
    }


def _transaction_id(sale: PastPayment, booking: Booking) -> UUID:
    return derived_uuid(sale.id, "ledger", booking[0])


def _transaction_row(sale: PastPayment, booking: Booking) -> Mapping[str, object]:
    kind, source_kind, at, _ = booking
    return {
        "id": _transaction_id(sale, booking),
        "created_at": at,
        "updated_at": at,
        "creator_id": sale.fan.creator_id,
        "kind": kind,
        "source_kind": source_kind,
        "source_key": str(sale.payment_id),
        "fan_id": sale.fan.id,
        "occurred_at": at,
    }


def _entry_rows(sale: PastPayment, booking: Booking) -> list[Mapping[str, object]]:
    _, _, at, entries = booking
    whole = _transaction_id(sale, booking)
    return [
        {
            "id": derived_uuid(whole, number),
            "created_at": at,
            "updated_at": at,
            "creator_id": sale.fan.creator_id,
            "transaction_id": whole,
            "account": entry.account,
            "currency": entry.money.currency,
            "amount_minor": entry.money.minor,
        }
        for number, entry in enumerate(entries)
        if entry.money.minor
    ]


_COUNT = """
UPDATE fan_facts f SET spent = n.spent, buys = n.buys, updated_at = house_now() FROM (
  SELECT m.fan_id, jsonb_object_agg(m.currency, m.minor) AS spent, (
    SELECT count(*) FROM entitlements e WHERE e.tenant_id = :tenant AND e.fan_id = m.fan_id AND
    e.state = 'active')
    AS buys
  FROM (SELECT t.fan_id, e.currency, -sum(e.amount_minor) AS minor FROM ledger_transactions t
    JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
    WHERE t.tenant_id = :tenant AND t.creator_id = ANY(:creators) AND t.fan_id IS NOT NULL
      AND e.account IN ('sales', 'refunds') GROUP BY t.fan_id, e.currency) m
  GROUP BY m.fan_id) n
WHERE f.tenant_id = :tenant AND f.fan_id = n.fan_id
"""


def _count_buys(scope: Scope, creators: Sequence[UUID]) -> None:
    """Update the fans' read models with their purchases, as `directory.rebuild_facts` does."""
    # The statistics of the planner lack the rows of this transaction: without this setting it may
    # read all entries of the agency for each transaction.
    scope.run("SET LOCAL enable_nestloop = off")
    scope.run(_COUNT, tenant=scope.tenant_id, creators=list(creators))
    scope.run("SET LOCAL enable_nestloop = on")
