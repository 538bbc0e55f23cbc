"""Locked messages: one message is offer, invoice and delivery. The platform charges the fan and
unlocks the message."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.money import Money
from foundation.outbox import outbox
from gate.contract.units import Subject
from gate.copies import live_copies
from studio.packs import packs
from subscribers.catalog import offers
from subscribers.catalog.offers import OfferCandidate, ShownOffer
from subscribers.conversations import outgoing_messages
from subscribers.conversations.models import Conversation, Draft
from subscribers.conversations.states import UNPAID_ORDER_STATES, DraftState
from subscribers.fans import directory
from subscribers.orders import order_rows
from subscribers.orders.events import OfferExpire, UnlockCheckDue
from subscribers.orders.models import Order
from subscribers.orders.states import OrderState
from subscribers.rails.contract import RailTerms

LOCKED_KIND = "locked"
"""The kind of such a draft, and of its message in the conversation."""

UNLOCK_CHECK_INTERVALS = tuple(timedelta(minutes=minutes) for minutes in (2, 5, 15, 60, 180))
"""Delays between the first checks for a purchase after the message is sent. Each check reads one or
two pages of the platform's list."""

LOOK_EVERY = timedelta(hours=6)
"""Delay between later checks."""
OFFER_EXPIRED = Message("draft.offer_over")


def send_locked_offer(
    scope: Scope,
    talk: Conversation,
    chosen: OfferCandidate,
    rail: RailTerms,
    *,
    text: str,
    key: UUID,
    by: str,
) -> None:
    """Create the offer, the order and an approved draft that sells a pack as a locked message.

    The fan may pay for as long as the rail allows for such a message.
    """
    offer_id = offers.create_offer(scope, talk, chosen, rail.name)
    shown = ShownOffer(
        offer_id, chosen.pack_id, chosen.version, chosen.title, chosen.price, rail.name
    )
    order = order_rows.create_order(
        scope, talk, shown, rail.behind.life if rail.behind else rail.life, way=LOCKED_KIND
    )
    draft = outgoing_messages.create_draft(
        scope,
        talk,
        origin="member",
        kind=LOCKED_KIND,
        state=DraftState.APPROVED,
        text=text,
        media=packs.get_pack(scope, chosen.pack_id).media,
        offer_id=offer_id,
        order_id=order.id,
        draft_id=key,
    )
    draft.approved_by = draft.written_by = by
    draft.expires_at = order.expires_at
    scope.add(draft)
    outgoing_messages.schedule_message_draft(scope, draft)
    outbox.put(scope, OfferExpire(scope.tenant_id, order.id), at=order.expires_at)
    schedule_unlock_check(scope, order.id, scope.now + UNLOCK_CHECK_INTERVALS[0])


def locked_message_price(scope: Scope, row: Draft) -> Money | None:
    """Return the price of a locked message, or None for any other message."""
    if row.kind != LOCKED_KIND:
        return None
    order = order_of_locked_message(scope, row)
    return Money(order.amount_minor, order.currency)


def order_of_locked_message(scope: Scope, row: Draft) -> Order:
    """Return the order of a locked message. Raises NotFound."""
    if row.order_id is None:
        raise NotFound("order.unknown")
    return order_rows.get_order(scope, row.order_id)


def locked_message_refusal(scope: Scope, row: Draft) -> Message | None:
    """Return the reason why a locked message may no longer be sent, or None.

    This is the last point at which the sale can be refused: the platform runs no checkout query for
    such a message.
    """
    if row.kind != LOCKED_KIND:
        return None
    order = order_of_locked_message(scope, row)
    fan = directory.get_fan_identity(scope, order.fan_id, order.channel_id)
    try:
        pack = packs.get_pack(scope, order.pack_id)
    except NotFound:
        return OFFER_EXPIRED
    stands = pack.state == "active" and pack.version == order.pack_version
    open_still = order.state == OrderState.INVOICED and order.expires_at > scope.now
    wanted = fan.may_be_sold_to and not order_rows.has_pack(scope, order.fan_id, order.pack_id)
    return None if stands and open_still and wanted else OFFER_EXPIRED


def record_locked_message_sent(scope: Scope, row: Draft) -> None:
    """Freeze the pack of a sent locked message and schedule the first purchase check."""
    if row.kind != LOCKED_KIND or row.order_id is None:
        return
    packs.freeze_pack(scope, order_of_locked_message(scope, row).pack_id)
    schedule_unlock_check(scope, row.order_id, scope.now + UNLOCK_CHECK_INTERVALS[0])


def message_of_order(scope: Scope, order: Order) -> Draft | None:
    """Return the locked message of an order, or None."""
    return scope.session.exec(
        select(Draft)
        .where(
            Draft.tenant_id == scope.tenant_id,
            Draft.conversation_id == order.conversation_id,
            Draft.order_id == order.id,
            Draft.kind == LOCKED_KIND,
        )
        .order_by(col(Draft.id))
        .execution_options(populate_existing=True)
    ).first()


def is_locked_message_bought(scope: Scope, row: Draft) -> bool:
    """Return True if the message was paid for. A payment proves delivery, even if the send itself
    is uncertain."""
    return (
        row.kind == LOCKED_KIND
        and order_of_locked_message(scope, row).state not in UNPAID_ORDER_STATES
    )


def order_of_message_id(scope: Scope, channel_id: UUID, draft_id: UUID) -> UUID | None:
    """Return the order of a locked message of this account. Return None if the ID is unknown or
    belongs to another account or tenant."""
    found = scope.run(
        "SELECT order_id FROM drafts WHERE tenant_id = :tenant AND id = :id AND channel_id = "
        ":channel AND kind = :kind",
        tenant=scope.tenant_id,
        id=draft_id,
        channel=channel_id,
        kind=LOCKED_KIND,
    ).scalar()
    return UUID(str(found)) if found is not None else None


def unlocked_message_of_order(scope: Scope, order: Order) -> Draft | None:
    """Return the message of a paid order if it is in the chat, or may be.

    A message that was withdrawn just before the payment, or never sent, is not a delivery.
    """
    row = message_of_order(scope, order) if order.way == LOCKED_KIND else None
    if row is None or row.state not in (DraftState.SENDING, DraftState.UNCERTAIN, DraftState.SENT):
        return None
    if row.state != DraftState.SENT:
        # The platform confirmed no message id, but a payment proves that the message arrived.
        return row
    left = live_copies.list_copies(scope, Subject("draft", row.id))
    return row if any(copy.removed_at is None for copy in left) else None


def schedule_unlock_check(scope: Scope, order_id: UUID, at: datetime) -> None:
    """Schedule the purchase check of an order at `at` and cancel any earlier one."""
    outbox.cancel(scope, UnlockCheckDue.kind, order_id)
    outbox.put(scope, UnlockCheckDue(scope.tenant_id, order_id), at=at)


def next_unlock_check_time(scope: Scope, begun: datetime) -> datetime:
    """Return the time of the next purchase check for a message sent at `begun`.

    The first checks follow `UNLOCK_CHECK_INTERVALS`, later ones `LOOK_EVERY`.
    """
    gone = scope.now - begun
    passed = timedelta()
    for wait in UNLOCK_CHECK_INTERVALS:
        passed += wait
        if passed > gone:
            return scope.now + wait
    return scope.now + LOOK_EVERY
