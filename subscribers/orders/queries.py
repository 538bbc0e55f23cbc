"""Views of orders for members: order histories, unmatched payments and checks of rail balances."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.money import TEST_CURRENCY, Money
from subscribers.conversations.states import UNPAID_ORDER_STATES
from subscribers.ledger import entries
from subscribers.ledger.entries import StatementLineView
from subscribers.orders import rail_movements
from subscribers.orders.states import FulfilmentState, OrderState, RefundState
from subscribers.rails import installed_rails
from subscribers.statements import bookings, file_reader

_BOOKED = """
SELECT s.creator_id, array(
  SELECT t.occurred_at FROM payments p JOIN ledger_transactions t ON t.tenant_id = p.tenant_id
    AND t.source_key = CAST(p.id AS text) AND t.source_kind IN ('payment', 'settled', 'split',
    'commission', 'refund')
  WHERE p.tenant_id = :tenant AND (p.id = :id OR p.order_id = :id)) AS times
FROM (SELECT creator_id FROM orders WHERE tenant_id = :tenant AND id = :id
  UNION SELECT creator_id FROM payments WHERE tenant_id = :tenant AND id = :id) s
"""


def bookings_of_sale(scope: Scope, subject_id: UUID) -> tuple[UUID, list[datetime]]:
    """Return the creator of a sale and the times of its ledger transactions.

    The subject is an order, or a payment without one. Raises NotFound.
    """
    row = scope.run(_BOOKED, tenant=scope.tenant_id, id=subject_id).first()
    if row is None:
        raise NotFound("order.unknown")
    return row.creator_id, row.times


ORDERS_PER_PAGE = 40
"""Number of orders on one page of the list."""

NAMED_AGO = timedelta(days=60)
"""Maximum age of the unpaid orders that are suggested for an unmatched payment."""


@dataclass(frozen=True)
class OrderRow:
    """An order in the list. `refund` is the state of its refund, if one was requested."""

    id: UUID
    creator_id: UUID
    fan_id: UUID
    fan: str
    title: str
    price: Money
    state: OrderState
    push: FulfilmentState | None
    refund: RefundState | None
    at: datetime


@dataclass(frozen=True)
class OrderStep:
    """One event of an order's history. `by` is an actor, or "" if unknown."""

    what: str
    at: datetime
    by: str = ""
    money: Money | None = None
    reason: Message | None = None


@dataclass(frozen=True)
class OrderCharge:
    """A payment of an order. `refund` is None if no refund was requested."""

    id: UUID
    money: Money
    kind: str
    refund: RefundState | None
    at: datetime


@dataclass(frozen=True)
class OrderHistory:
    """An order from its offer to its end, oldest event first, with its payments and ledger
    entries."""

    order: OrderRow
    steps: tuple[OrderStep, ...]
    charges: tuple[OrderCharge, ...]
    booked: tuple[StatementLineView, ...]


@dataclass(frozen=True)
class UnmatchedPayment:
    """A payment that belongs to no order. `returning` is True once a refund was requested."""

    id: UUID
    creator_id: UUID
    rail: str
    account: str
    money: Money
    at: datetime
    returning: bool


@dataclass(frozen=True)
class RailBalanceCheck:
    """The ledger balance of an account on a rail, compared with the sum of its
    recorded movements."""

    creator_id: UUID
    rail: str
    account: str
    booked: Money
    moved: Money

    @property
    def difference(self) -> Money:
        """The ledger balance minus the movements; zero if they agree."""
        return self.booked - self.moved


def has_sale(scope: Scope, creators: Collection[UUID]) -> bool:
    """Return True if a fan has ever paid for an order of one of these creators with real money."""
    found = scope.run(
        "SELECT 1 FROM payments WHERE tenant_id = :tenant AND creator_id = ANY(:creators)"
        " AND kind = 'matched' AND currency <> :test LIMIT 1",
        tenant=scope.tenant_id,
        test=TEST_CURRENCY,
        creators=list(creators),
    )
    return found.first() is not None


_SOLD = """
SELECT o.id, o.creator_id, o.fan_id, f.display_name, o.title, o.amount_minor, o.currency,
o.state, p.state AS push,
  (SELECT r.state FROM payments y JOIN refunds r ON r.tenant_id = y.tenant_id AND r.payment_id =
  y.id
   WHERE y.tenant_id = o.tenant_id AND y.order_id = o.id AND y.kind = 'matched') AS refund,
   o.created_at
FROM orders o JOIN fans f ON f.tenant_id = o.tenant_id AND f.id = o.fan_id
LEFT JOIN fulfilments p ON p.tenant_id = o.tenant_id AND p.order_id = o.id
WHERE o.tenant_id = :tenant
"""


def search_orders(
    scope: Scope,
    creators: Sequence[UUID],
    *,
    packs: Collection[UUID],
    conversations: Collection[UUID],
    most: int = 6,
) -> list[OrderRow]:
    """Return orders of these creators for one of the packs or in one of the conversations, newest
    first."""
    rows = scope.run(
        f"{_SOLD} AND o.creator_id = ANY(:creators)"
        " AND (o.pack_id = ANY(:packs) OR o.conversation_id = ANY(:conversations))"
        " ORDER BY o.created_at DESC, o.id DESC LIMIT :most",
        tenant=scope.tenant_id,
        creators=list(creators),
        packs=list(packs),
        conversations=list(conversations),
        most=most,
    )
    return [_order_from_row(row) for row in rows]


def list_order_rows(
    scope: Scope, creators: Sequence[UUID], *, before: datetime | None = None
) -> list[OrderRow]:
    """Return one page of orders of these creators, newest first, created before
    `before` if given."""
    rows = scope.run(
        f"{_SOLD} AND o.creator_id = ANY(:creators)"
        " AND (CAST(:before AS timestamptz) IS NULL OR o.created_at < :before)"
        " ORDER BY o.created_at DESC, o.id DESC LIMIT :limit",
        tenant=scope.tenant_id,
        creators=list(creators),
        before=before,
        limit=ORDERS_PER_PAGE,
    )
    return [_order_from_row(row) for row in rows]


def _order_from_row(row: Any) -> OrderRow:
    return OrderRow(
        id=row.id,
        creator_id=row.creator_id,
        fan_id=row.fan_id,
        fan=row.display_name,
        title=row.title,
        price=Money(row.amount_minor, row.currency),
        state=OrderState(row.state),
        push=FulfilmentState(row.push) if row.push else None,
        refund=RefundState(row.refund) if row.refund else None,
        at=row.created_at,
    )


def orders_stamp(scope: Scope, creators: Sequence[UUID]) -> str:
    """Return a value that changes when an order, payment, refund or fulfilment of these creators
    changes."""
    found = scope.run(
        "SELECT greatest((SELECT max(updated_at) FROM orders WHERE tenant_id = :tenant AND "
        "creator_id = ANY(:creators)"
        "   AND created_at > :since), (SELECT max(updated_at) FROM payments WHERE tenant_id = "
        ":tenant"
        "   AND creator_id = ANY(:creators) AND at > :since), (SELECT max(updated_at) FROM refunds"
        "   WHERE tenant_id = :tenant AND creator_id = ANY(:creators)), (SELECT max(updated_at) "
        "FROM fulfilments"
        "   WHERE tenant_id = :tenant AND creator_id = ANY(:creators)))",
        tenant=scope.tenant_id,
        creators=list(creators),
        since=scope.now - NAMED_AGO,
    ).scalar()
    return str(found or "")


def load_order_history(scope: Scope, order_id: UUID) -> OrderHistory:
    """Return the full history of an order. Raises NotFound, also for another tenant's order."""
    row = scope.run(f"{_SOLD} AND o.id = :id", tenant=scope.tenant_id, id=order_id).one_or_none()
    if row is None:
        raise NotFound("order.unknown")
    charges = _list_charges(scope, order_id)
    steps = [
        *_list_opening_steps(scope, order_id),
        *_payment_steps(charges),
        *_list_delivery_steps(scope, order_id),
        *_list_refund_steps(scope, order_id),
    ]
    told = bookings.ledger_keys_of(scope, row.creator_id, _list_message_ids(scope, order_id))
    booked = entries.entries_of_payments(scope, [*(charge.id for charge in charges), *told])
    return OrderHistory(
        _order_from_row(row),
        tuple(sorted(steps, key=lambda step: step.at)),
        tuple(charges),
        tuple(booked),
    )


def _list_message_ids(scope: Scope, order_id: UUID) -> list[str]:
    """Return the platform IDs of the order's locked message: statements and earnings refer to the
    sale by this ID."""
    rows = scope.run(
        "SELECT native_id FROM drafts WHERE tenant_id = :tenant AND order_id = :id AND kind = "
        "'locked'"
        " AND native_id IS NOT NULL",
        tenant=scope.tenant_id,
        id=order_id,
    )
    return list(rows.scalars())


_BEGUN = """
SELECT f.created_at AS offered_at, coalesce(d.approved_by, d.origin, '') AS offered_by,
o.created_at, o.checkout_at,
  o.state, o.reason, o.updated_at, (SELECT min(m.at) FROM drafts i JOIN messages m ON m.tenant_id
  = i.tenant_id
    AND m.draft_id = i.id WHERE i.tenant_id = o.tenant_id AND i.conversation_id = o.conversation_id
    AND i.order_id = o.id AND i.kind IN ('invoice', 'locked')) AS invoiced_at, o.amount_minor,
    o.currency
FROM orders o LEFT JOIN offers f ON f.tenant_id = o.tenant_id AND f.id = o.offer_id
LEFT JOIN LATERAL (SELECT approved_by, origin FROM drafts WHERE tenant_id = o.tenant_id
  AND conversation_id = o.conversation_id AND offer_id = o.offer_id LIMIT 1) d ON true
WHERE o.tenant_id = :tenant AND o.id = :id
"""
_ENDED = frozenset({OrderState.EXPIRED, OrderState.CANCELLED, OrderState.REFUSED})


def _list_opening_steps(scope: Scope, order_id: UUID) -> list[OrderStep]:
    row = scope.run(_BEGUN, tenant=scope.tenant_id, id=order_id).one()
    price = Money(row.amount_minor, row.currency)
    steps = [OrderStep("ordered", row.created_at, money=price)]
    if row.offered_at is not None:
        steps.append(OrderStep("offered", row.offered_at, by=row.offered_by, money=price))
    if row.invoiced_at is not None:
        steps.append(OrderStep("invoiced", row.invoiced_at))
    if row.checkout_at is not None:
        steps.append(OrderStep("checkout", row.checkout_at))
    if OrderState(row.state) in _ENDED:
        reason = Message.from_json(row.reason) if row.reason else None
        steps.append(OrderStep(row.state, row.updated_at, reason=reason))
    return steps


def _list_charges(scope: Scope, order_id: UUID) -> list[OrderCharge]:
    rows = scope.run(
        "SELECT p.id, p.amount_minor, p.currency, p.kind, r.state, p.at FROM payments p"
        " LEFT JOIN refunds r ON r.tenant_id = p.tenant_id AND r.payment_id = p.id"
        " WHERE p.tenant_id = :tenant AND p.order_id = :id ORDER BY p.at, p.id",
        tenant=scope.tenant_id,
        id=order_id,
    )
    return [
        OrderCharge(
            row.id,
            Money(row.amount_minor, row.currency),
            row.kind,
            RefundState(row.state) if row.state else None,
            row.at,
        )
        for row in rows
    ]


def _payment_steps(charges: Sequence[OrderCharge]) -> list[OrderStep]:
    return [
        OrderStep("paid" if one.kind == "matched" else f"paid_{one.kind}", one.at, money=one.money)
        for one in charges
    ]


def _list_delivery_steps(scope: Scope, order_id: UUID) -> list[OrderStep]:
    rows = scope.run(
        "SELECT state, reason, settled_at, updated_at FROM fulfilments WHERE tenant_id = :tenant "
        "AND order_id = :id",
        tenant=scope.tenant_id,
        id=order_id,
    )
    return [
        OrderStep(
            f"push_{row.state}",
            row.settled_at or row.updated_at,
            reason=_message_from_json(row.reason),
        )
        for row in rows
        if row.state not in (FulfilmentState.WAITING, FulfilmentState.SENDING)
    ]


def _list_refund_steps(scope: Scope, order_id: UUID) -> list[OrderStep]:
    rows = scope.run(
        "SELECT r.state, r.reason, r.by, r.created_at, r.updated_at, r.done_at, p.amount_minor, "
        "p.currency"
        " FROM refunds r JOIN payments p ON p.tenant_id = r.tenant_id AND p.id = r.payment_id"
        " WHERE r.tenant_id = :tenant AND p.order_id = :id",
        tenant=scope.tenant_id,
        id=order_id,
    )
    steps = []
    for row in rows:
        money = Money(row.amount_minor, row.currency)
        failed = row.state == RefundState.FAILED
        # After a failure, `reason` is the refusal of the rail and not the reason of the request.
        asked_why = None if failed else _message_from_json(row.reason)
        steps.append(
            OrderStep("refund_asked", row.created_at, by=row.by, money=money, reason=asked_why)
        )
        if row.done_at is not None:
            steps.append(OrderStep("refund_done", row.done_at, money=money))
        elif failed:
            steps.append(
                OrderStep("refund_failed", row.updated_at, reason=_message_from_json(row.reason))
            )
    return steps


def _message_from_json(stored: dict[str, object] | None) -> Message | None:
    return Message.from_json(stored) if stored else None


def list_unmatched_payments(scope: Scope, creators: Sequence[UUID]) -> list[UnmatchedPayment]:
    """Return the unmatched payments of these creators that are not refunded yet, oldest first."""
    rows = scope.run(
        "SELECT p.id, p.creator_id, p.rail, p.account, p.amount_minor, p.currency, p.at, r.state "
        "FROM payments p"
        " LEFT JOIN refunds r ON r.tenant_id = p.tenant_id AND r.payment_id = p.id WHERE "
        "p.tenant_id = :tenant"
        " AND p.creator_id = ANY(:creators) AND p.kind = 'orphan' AND r.state IS DISTINCT FROM "
        "'done' ORDER BY p.at",
        tenant=scope.tenant_id,
        creators=list(creators),
    )
    return [
        UnmatchedPayment(
            row.id,
            row.creator_id,
            row.rail,
            row.account,
            Money(row.amount_minor, row.currency),
            row.at,
            row.state is not None,
        )
        for row in rows
    ]


_PAYABLE = """
AND o.creator_id = :creator AND o.currency = :currency AND o.state = ANY(:unpaid) AND
o.created_at > :since
ORDER BY EXISTS (SELECT 1 FROM payments y JOIN fan_identities i ON i.tenant_id = y.tenant_id
  AND i.channel_id = y.channel_id AND i.native_id = y.payer
  WHERE y.tenant_id = o.tenant_id AND y.id = :payment AND i.fan_id = o.fan_id) DESC,
  o.amount_minor = :minor DESC, o.created_at DESC LIMIT 20
"""


def find_payable_orders(scope: Scope, payment: UnmatchedPayment) -> list[OrderRow]:
    """Return up to 20 unpaid orders that a payment may belong to, best match first.

    Orders of the payer come first, then orders of the same amount.
    """
    rows = scope.run(
        _SOLD + _PAYABLE,
        tenant=scope.tenant_id,
        creator=payment.creator_id,
        currency=payment.money.currency,
        unpaid=[str(state) for state in UNPAID_ORDER_STATES],
        since=payment.at - NAMED_AGO,
        payment=payment.id,
        minor=payment.money.minor,
    )
    return [_order_from_row(row) for row in rows]


_MOVED = """
SELECT p.creator_id, p.rail, p.account, p.currency,
  sum(p.amount_minor) - coalesce(sum(p.amount_minor) FILTER (WHERE r.state = 'done'), 0) AS minor
FROM payments p LEFT JOIN refunds r ON r.tenant_id = p.tenant_id AND r.payment_id = p.id
WHERE p.tenant_id = :tenant AND p.creator_id = ANY(:creators) AND p.rail <> ALL(:told)
GROUP BY p.creator_id, p.rail, p.account, p.currency
"""


def check_rail_balances(scope: Scope, creators: Sequence[UUID]) -> list[RailBalanceCheck]:
    """Compare the ledger balance of every rail account with the sum of its movements, to the minor
    unit."""
    moved = {
        (row.creator_id, entries.rail_ledger_account(row.rail, row.account), row.currency): int(
            row.minor
        )
        for row in scope.run(
            _MOVED,
            tenant=scope.tenant_id,
            creators=list(creators),
            told=installed_rails.locked_rail_names(),
        )
    }
    for (creator, source, currency), minor in bookings.sum_statements(scope, creators).items():
        moved[
            creator, entries.rail_ledger_account(file_reader.STATEMENT_RAIL, source), currency
        ] = minor
    for (creator, rail, name, currency), minor in rail_movements.other_bookings(
        scope, creators
    ).items():
        key = creator, entries.rail_ledger_account(rail, name), currency
        moved[key] = moved.get(key, 0) + minor
    booked = entries.rail_balances(scope, creators)
    found = []
    for creator, account, currency in sorted(moved.keys() | booked.keys(), key=str):
        _, rail, name = account.split(":", 2)
        key = creator, account, currency
        found.append(
            RailBalanceCheck(
                creator,
                rail,
                name,
                Money(booked.get(key, 0), currency),
                Money(moved.get(key, 0), currency),
            )
        )
    return found
