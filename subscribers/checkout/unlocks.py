"""Outcomes of locked messages: bought, withdrawn without a purchase, or refunded.

A sale is detected in two ways, in any order: by checking the message, or from the platform's list
of earnings. Both lead to the single payment of the order, whose charge is the message; only the
list is booked.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.sending import removal
from connectors.contract import paid_media
from connectors.contract.connector import PlatformCopy
from connectors.contract.earnings import Earning
from connectors.contract.paid_media import PaidMessageStatus
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.copies import live_copies
from subscribers.checkout import order_payments
from subscribers.checkout.events import EarningListed, RailReconcile
from subscribers.conversations.models import Draft
from subscribers.conversations.states import ORDER_STATES, UNPAID_ORDER_STATES, DraftState
from subscribers.delivery import message_delivery
from subscribers.fans import directory
from subscribers.orders import locked_messages, order_rows, rail_movements, refunds
from subscribers.orders.events import UnlockCheckDue
from subscribers.orders.models import Order
from subscribers.orders.states import OrderState
from subscribers.rails import installed_rails

CHAT = "system:chat"
WITHDRAWN_FOR = timedelta(days=2)
"""Period after an offer's end in which its message is still checked, because it may have been
bought at the last moment."""

BLIND = timedelta(minutes=15)
"""Delay after a check without a result: no response, or the message is too far back in the chat."""

LISTED_BY = timedelta(minutes=1)
"""Time after an offer's end in which an earlier charge may still appear in the platform's list."""

UNSURE = (DraftState.SENDING, DraftState.UNCERTAIN)


class ReadUnlockState(Protocol):
    """Check with the platform whether a locked message was bought, outside any transaction."""

    def __call__(
        self, tenant_id: UUID, channel_id: UUID, copy: PlatformCopy, sent_at: datetime, /
    ) -> PaidMessageStatus | None: ...


@dataclass(frozen=True)
class _Sought:
    """A message to check."""

    channel_id: UUID
    copy: PlatformCopy
    since: datetime


def check_unlock(event: UnlockCheckDue, *, tenant: OpenScope, ask: ReadUnlockState) -> None:
    """Check whether the locked message of an order was bought. Withdraw a message that was not
    bought in time."""
    with tenant(event.tenant_id, CHAT) as scope:
        sought = _find_locked_message(scope, event.subject_id)
    if sought is None:
        return
    seen = ask(event.tenant_id, sought.channel_id, sought.copy, sought.since)
    with tenant(event.tenant_id, CHAT) as scope:
        _settle_order(scope, event.subject_id, sought, seen)


def _find_locked_message(scope: Scope, order_id: UUID) -> _Sought | None:
    order = order_rows.get_order(scope, order_id, lock=True)
    row = locked_messages.message_of_order(scope, order)
    if (
        order.state not in UNPAID_ORDER_STATES
        or row is None
        or scope.now > order.expires_at + WITHDRAWN_FOR
    ):
        return None
    # The state of the message proves nothing on this rail; the list of charges decides.
    if order.rail not in installed_rails.locked_rail_names():
        _by_list(scope, order, row)
        return None
    if row.native_id is None:
        _close_unsent_order(scope, order, row)
        return None
    if order.state != OrderState.INVOICED and all(
        one.removed_at is not None for one in _list_copies(scope, row)
    ):
        return None
    channel = queries.get_channel(scope, order.channel_id)
    fan = directory.get_fan_identity(scope, order.fan_id, order.channel_id)
    if fan.status == "erased":  # The chat of an erased fan is unknown.
        return None
    return _Sought(
        channel.id,
        PlatformCopy(row.native_id, channel.account, fan.native_id),
        row.created_at or scope.now,
    )


def _close_unsent_order(scope: Scope, order: Order, row: Draft) -> None:
    """Cancel the order of a message that was not sent and never will be; otherwise schedule another
    check."""
    state = DraftState(row.state)
    if state in (DraftState.FAILED, DraftState.REJECTED, DraftState.EXPIRED, DraftState.CANCELLED):
        if ORDER_STATES.allows(OrderState(order.state), OrderState.CANCELLED):
            order_rows.transition_order(
                scope,
                order,
                OrderState.CANCELLED,
                Message.from_json(row.reason) if row.reason else None,
            )
        return
    if order.state == OrderState.INVOICED or state in UNSURE:
        locked_messages.schedule_unlock_check(
            scope, order.id, scope.now + locked_messages.UNLOCK_CHECK_INTERVALS[1]
        )


def _by_list(scope: Scope, order: Order, row: Draft) -> None:
    """Decide by the platform's list of charges whether a message was bought.

    An unbought message is withdrawn only after the list was read past its end, and never if a
    purchase was reported.
    """
    if row.native_id is None:
        _close_unsent_order(scope, order, row)
        return
    if order.state == OrderState.INVOICED and order.checkout_at is None:
        return  # Before the offer's end there is nothing to check.
    lying = [one for one in _list_copies(scope, row) if one.removed_at is None]
    if not lying:
        return
    over = order.updated_at or scope.now
    read_at = rail_movements.last_read_at(
        scope, order.rail, queries.get_channel(scope, order.channel_id).account
    )
    if order.checkout_at is not None or read_at is None or read_at <= over + LISTED_BY:
        request_earnings_reading(scope, order.channel_id)
        locked_messages.schedule_unlock_check(
            scope,
            order.id,
            locked_messages.next_unlock_check_time(scope, order.checkout_at or over),
        )
        return
    for copy in lying:
        removal.request_removal(scope, copy)


def request_earnings_reading(scope: Scope, channel_id: UUID) -> None:
    """Schedule an immediate reading of the platform's list of an account's movements."""
    outbox.put(scope, RailReconcile(scope.tenant_id, channel_id), instead_of=RailReconcile)


def _settle_order(
    scope: Scope, order_id: UUID, sought: _Sought, seen: PaidMessageStatus | None
) -> None:
    if seen is not None and seen.state == "paid":
        order_payments.record_unlock(scope, order_id, sought.copy.native_id, at=seen.at)
        return
    order = order_rows.get_order(scope, order_id, lock=True)
    row = locked_messages.message_of_order(scope, order)
    if order.state not in UNPAID_ORDER_STATES or row is None:
        return
    over = order.state != OrderState.INVOICED
    again = locked_messages.next_unlock_check_time(
        scope, order.expires_at if over else sought.since
    )
    if seen is None:
        again = min(again, scope.now + BLIND)
    elif over:  # A message is withdrawn only after a successful check: it may have been bought.
        for copy in _list_copies(scope, row):
            removal.request_removal(scope, copy)
    if not over and order.expires_at > scope.now:
        again = min(again, order.expires_at)
    locked_messages.schedule_unlock_check(scope, order_id, again)


def _list_copies(scope: Scope, row: Draft) -> list[live_copies.LiveCopy]:
    return live_copies.list_copies(scope, message_delivery.message_subject(row.id))


def schedule_unlock_checks(scope: Scope, channel: Channel, fan: str, payload: str = "") -> None:
    """Schedule checks of all locked messages a fan may have paid for in this chat, or of the one in
    `payload`.

    A report does not prove a payment: if the platform lists charges, its list is read and booked
    instead.
    """
    listed = (
        installed_rails.rail_terms_by_platform()[channel.platform].name
        not in installed_rails.locked_rail_names()
    )
    about = paid_media.decode_payload(payload)
    only = (
        locked_messages.order_of_message_id(scope, channel.id, about.id)
        if about is not None
        else None
    )
    if listed:
        request_earnings_reading(scope, channel.id)
        _record_checkout(scope, channel, fan, only)
        return
    rows = scope.run(
        "SELECT o.id FROM orders o JOIN fan_identities i ON i.tenant_id = o.tenant_id AND "
        "i.fan_id = o.fan_id"
        " AND i.channel_id = o.channel_id WHERE o.tenant_id = :tenant AND o.channel_id = :channel"
        " AND i.native_id = :fan AND o.rail = ANY(:rails) AND o.state = ANY(:unpaid) AND "
        "o.expires_at > :since",
        tenant=scope.tenant_id,
        channel=channel.id,
        fan=fan,
        rails=installed_rails.locked_rail_names(),
        unpaid=[str(state) for state in UNPAID_ORDER_STATES],
        since=scope.now - WITHDRAWN_FOR,
    )
    for order_id in rows.scalars().all():
        locked_messages.schedule_unlock_check(scope, order_id, scope.now)


def _record_checkout(scope: Scope, channel: Channel, fan: str, order_id: UUID | None) -> None:
    """Mark a locked message as reported paid: it is no longer withdrawn, and the list is read until
    it confirms the payment."""
    known = directory.find_fan_identity(scope, channel.id, fan)
    if order_id is None or known is None:
        return
    order = order_rows.get_order(scope, order_id, lock=True)
    if order.state in UNPAID_ORDER_STATES and order.fan_id == known.fan_id:
        order.checkout_at = scope.now
        scope.add(order)
        locked_messages.schedule_unlock_check(
            scope, order_id, scope.now + locked_messages.UNLOCK_CHECK_INTERVALS[0]
        )


def withdraw_locked_messages(scope: Scope, fan_id: UUID, reason: Message) -> None:
    """Withdraw all unbought locked messages of a fan on every account, once sales to them have
    stopped."""
    rows = scope.run(
        "SELECT id FROM orders WHERE tenant_id = :tenant AND fan_id = :fan AND way = :locked"
        " AND state = :open ORDER BY id",
        tenant=scope.tenant_id,
        fan=fan_id,
        locked=locked_messages.LOCKED_KIND,
        open=str(OrderState.INVOICED),
    )
    for order_id in rows.scalars().all():
        order_rows.transition_order(
            scope, order_rows.get_order(scope, order_id, lock=True), OrderState.CANCELLED, reason
        )
        locked_messages.schedule_unlock_check(scope, order_id, scope.now)


def record_listed_sale(event: EarningListed, *, tenant: OpenScope) -> None:
    """Record that the platform's list reports an order as paid or refunded."""
    with tenant(event.tenant_id, CHAT) as scope:
        order_payments.record_unlock(
            scope, event.subject_id, event.native_id, at=datetime.fromisoformat(event.at)
        )
        if event.back:
            order = order_rows.get_order(scope, event.subject_id)
            channel = queries.get_channel(scope, order.channel_id)
            refunds.record_refund(
                scope, rail=order.rail, account=channel.account, charge_id=event.native_id
            )


@dataclass(frozen=True)
class ListedSale:
    """An order that a movement of the list refers to."""

    order_id: UUID
    fan_id: UUID
    state: OrderState


def paid_for_by_movement(
    scope: Scope, creator_id: UUID, rows: Sequence[Earning]
) -> Mapping[str, str]:
    """Return the message ID that each movement paid for, by the movement's key. A refund refers to
    its sale by reference."""
    told = {row.key: row.paid_for for row in rows if row.kind == "sale" and row.paid_for}
    back = [row for row in rows if row.kind == "refund" and row.reference]
    if not back:
        return told
    known: dict[str, set[str]] = {}
    for row in rows:
        if row.key in told:
            known.setdefault(row.reference, set()).add(row.paid_for)
    booked = scope.run(
        "SELECT DISTINCT reference, paid_for FROM statement_lines WHERE tenant_id = :tenant AND "
        "creator_id = :creator"
        " AND kind = 'sale' AND paid_for <> '' AND reference = ANY(:references)",
        tenant=scope.tenant_id,
        creator=creator_id,
        references=sorted({row.reference for row in back}),
    )
    for one in booked:
        known.setdefault(one.reference, set()).add(one.paid_for)
    for row in back:
        # One reference may cover several messages, and then the refunded one is unknown.
        if len(what := known.get(row.reference, set())) == 1:
            told[row.key] = next(iter(what))
    return told


def orders_of_messages(
    scope: Scope, channel_id: UUID, paid_for: Sequence[str]
) -> Mapping[str, ListedSale]:
    """Return the orders behind the messages paid for on an account, by the platform's
    message ID."""
    if not paid_for:
        return {}
    rows = scope.run(
        "SELECT d.native_id, o.id, o.fan_id, o.state FROM drafts d JOIN orders o ON o.tenant_id = "
        "d.tenant_id"
        " AND o.id = d.order_id WHERE d.tenant_id = :tenant AND d.channel_id = :channel AND "
        "d.kind = 'locked'"
        " AND d.native_id = ANY(:ids)",
        tenant=scope.tenant_id,
        channel=channel_id,
        ids=sorted(set(paid_for)),
    )
    return {row.native_id: ListedSale(row.id, row.fan_id, OrderState(row.state)) for row in rows}


def report_listed_sales(
    scope: Scope,
    creator_id: UUID,
    found: Mapping[str, ListedSale],
    rows: Sequence[Earning],
    *,
    booked: Collection[str],
) -> None:
    """Publish an event for each order that the list reports as paid, or as refunded in full.

    The spending facts of fans are rebuilt for the messages `booked` just now.
    """
    back = _paid_back(scope, creator_id, sorted(found))
    paid_at = {row.paid_for: row.at for row in rows if row.kind == "sale"}
    for native_id, sale in found.items():
        unheard = sale.state in UNPAID_ORDER_STATES or (
            native_id in back and sale.state != OrderState.REFUNDED
        )
        if unheard:
            at = paid_at.get(native_id, scope.now).isoformat()
            event = EarningListed(
                scope.tenant_id, sale.order_id, native_id=native_id, at=at, back=native_id in back
            )
            outbox.put(scope, event)
        if native_id in booked:
            directory.rebuild_facts(scope, sale.fan_id)


def _paid_back(scope: Scope, creator_id: UUID, paid_for: Sequence[str]) -> frozenset[str]:
    if not paid_for:
        return frozenset()
    rows = scope.run(
        "SELECT paid_for FROM statement_lines WHERE tenant_id = :tenant AND creator_id = :creator"
        " AND paid_for = ANY(:ids) GROUP BY paid_for"
        " HAVING sum(gross_minor) FILTER (WHERE kind = 'refund') >= sum(gross_minor) FILTER "
        "(WHERE kind = 'sale')",
        tenant=scope.tenant_id,
        creator=creator_id,
        ids=list(paid_for),
    )
    return frozenset(rows.scalars())
