"""Sales that move in with a history: order, charge, delivery, what the fan owns, and every line of the ledger."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from foundation.database import Scope
from foundation.ids import derived
from foundation.loading import load
from foundation.money import Money
from studio import packs
from subscribers import ledger
from subscribers.bookkeeping import LedgerEntry, LedgerTransaction
from subscribers.ledger import Entry, Kind, SplitShares
from subscribers.loading import PastSale
from subscribers.models import Entitlement, Fulfilment, Order, Payment, Refund
from subscribers.states import FulfilmentState, OrderState, RefundState

ASKED = timedelta(minutes=3)
"""From the order to its payment, as far as an old statement can tell."""

Booking = tuple[Kind, str, datetime, list[Entry]]
"""Kind, source kind, when, entries of one ledger transaction."""


def load_sales(scope: Scope, sales: Sequence[PastSale]) -> int:
    """Write sales and book them by the division in force on their day; what is there stays. Returns how many were new.

    What is booked sums to zero in each currency (the database refuses anything else); sold packs are frozen.
    """
    load(scope, Order, [_order(sale) for sale in sales])
    new = load(scope, Payment, [_payment(sale) for sale in sales])
    load(scope, Fulfilment, [_push(sale) for sale in sales])
    load(scope, Entitlement, [_owned(sale) for sale in sales])
    load(scope, Refund, [_refund(sale, sale.refunded_at) for sale in sales if sale.refunded_at is not None])
    booked = _booked(scope, sales)
    load(scope, LedgerTransaction, [_transaction(sale, booking) for sale, booking in booked])
    load(scope, LedgerEntry, [row for sale, booking in booked for row in _entries(sale, booking)])
    for pack_id in sorted({sale.pack_id for sale in sales}):
        packs.freeze(scope, pack_id)
    _count_buys(scope, sorted({sale.fan.creator_id for sale in sales}))
    return new


def _booked(scope: Scope, sales: Sequence[PastSale]) -> list[tuple[PastSale, Booking]]:
    """Every booking of every sale. A rule begins on a day, so each creator's day is asked for once."""
    known: dict[tuple[UUID, date], SplitShares | None] = {}
    booked = []
    for sale in sales:
        key = (sale.fan.creator_id, sale.at.date())
        if key not in known:
            known[key] = ledger.split_at(scope, sale.fan.creator_id, sale.at)
        booked += [(sale, booking) for booking in bookings(sale, known[key])]
    return booked


def bookings(sale: PastSale, shares: SplitShares | None) -> list[Booking]:
    """What the ledger holds of a sale: the sale, its division, the commission; and the mirror of a refund."""
    rail = ledger.rail_account(sale.rail, sale.account)
    booked: list[Booking] = [("sale", ledger.PAYMENT, sale.at, ledger.sale_entries(sale.money, rail))]
    if shares is not None:
        divided, commission = ledger.split_entries(sale.money, shares)
        booked.append(("split", "split", sale.at, divided))
        if shares.chatter:
            booked.append(("commission", "commission", sale.at, commission))
    if sale.refunded_at is not None:
        booked.append(("refund", "refund", sale.refunded_at, _mirror(booked)))
    return booked


def _mirror(booked: Sequence[Booking]) -> list[Entry]:
    """All that a payment caused, negated and summed by account; `sales` become `refunds`."""
    sums: dict[str, Money] = {}
    for _, _, _, entries in booked:
        for entry in entries:
            account = ledger.REFUNDS if entry.account == ledger.SALES else entry.account
            sums[account] = sums[account] - entry.money if account in sums else -entry.money
    return [Entry(account, money) for account, money in sorted(sums.items())]


def _of(sale: PastSale, name: str) -> dict[str, object]:
    return {
        "id": derived(sale.id, name),
        "created_at": sale.at,
        "updated_at": sale.refunded_at or sale.at,
        "creator_id": sale.fan.creator_id,
    }


def _order(sale: PastSale) -> Mapping[str, object]:
    return {
        **_of(sale, "order"),
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


def _payment(sale: PastSale) -> Mapping[str, object]:
    return {
        **_of(sale, "payment"),
        "rail": sale.rail,
        "account": sale.account,
        "channel_id": sale.fan.channel_id,
        "charge_id": sale.charge_id,
        "order_id": sale.id,
        "fan_id": sale.fan.id,
        "payer": sale.fan.native_id,
        "amount_minor": sale.money.minor,
        "currency": sale.money.currency,
        "product": "pack",
        "kind": "matched",
        "at": sale.at,
    }


def _push(sale: PastSale) -> Mapping[str, object]:
    return {
        **_of(sale, "push"),
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


def _owned(sale: PastSale) -> Mapping[str, object]:
    return {
        **_of(sale, "owned"),
        "fan_id": sale.fan.id,
        "pack_id": sale.pack_id,
        "pack_version": sale.pack_version,
        "title": sale.title,
        "payment_id": sale.payment_id,
        "state": "active" if sale.refunded_at is None else "revoked",
    }


def _refund(sale: PastSale, at: datetime) -> Mapping[str, object]:
    return {
        **_of(sale, "refund"),
        "payment_id": sale.payment_id,
        "state": str(RefundState.DONE),
        "by": "system:history",
        "tries": 1,
        "done_at": at,
    }


def _transaction_id(sale: PastSale, booking: Booking) -> UUID:
    return derived(sale.id, "ledger", booking[0])


def _transaction(sale: PastSale, booking: Booking) -> Mapping[str, object]:
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


def _entries(sale: PastSale, booking: Booking) -> list[Mapping[str, object]]:
    _, _, at, entries = booking
    whole = _transaction_id(sale, booking)
    return [
        {
            "id": derived(whole, number),
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
    SELECT count(*) FROM entitlements e WHERE e.tenant_id = :tenant AND e.fan_id = m.fan_id AND e.state = 'active')
    AS buys
  FROM (SELECT t.fan_id, e.currency, -sum(e.amount_minor) AS minor FROM ledger_transactions t
    JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
    WHERE t.tenant_id = :tenant AND t.creator_id = ANY(:creators) AND t.fan_id IS NOT NULL
      AND e.account IN ('sales', 'refunds') GROUP BY t.fan_id, e.currency) m
  GROUP BY m.fan_id) n
WHERE f.tenant_id = :tenant AND f.fan_id = n.fan_id
"""


def _count_buys(scope: Scope, creators: Sequence[UUID]) -> None:
    """Bring the read models of the fans up to date with what they bought, as `directory.rebuild_facts` would."""
    scope.run(_COUNT, tenant=scope.tenant_id, creators=list(creators))
