"""Orders as rows: reads, locks and state transitions; and the packs a fan owns."""

from datetime import timedelta
from uuid import UUID

from sqlmodel import select

from foundation.db.database import Scope
from foundation.db.tables import stored_message
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from subscribers.catalog.offers import ShownOffer
from subscribers.conversations.models import Conversation
from subscribers.conversations.states import ORDER_STATES
from subscribers.orders.models import Order
from subscribers.orders.states import OrderState


def get_order(scope: Scope, order_id: UUID, *, lock: bool = False) -> Order:
    """Return the current state of an order, locked if `lock`. Raises NotFound, also for another
    tenant's order."""
    statement = select(Order).where(Order.tenant_id == scope.tenant_id, Order.id == order_id)
    statement = statement.with_for_update() if lock else statement
    row = scope.session.exec(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound("order.unknown")
    return row


def create_order(
    scope: Scope, talk: Conversation, shown: ShownOffer, life: timedelta, *, way: str = "invoice"
) -> Order:
    """Create an invoiced order at the offered price. It can be paid for `life`."""
    order = Order(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        creator_id=talk.creator_id,
        fan_id=talk.fan_id,
        conversation_id=talk.id,
        channel_id=talk.channel_id,
        offer_id=shown.id,
        pack_id=shown.pack_id,
        pack_version=shown.pack_version,
        title=shown.title,
        rail=shown.rail,
        currency=shown.price.currency,
        amount_minor=shown.price.minor,
        state=str(ORDER_STATES.initial),
        way=way,
        expires_at=scope.now + life,
    )
    scope.add(order)
    transition_order(scope, order, OrderState.INVOICED)
    return order


def transition_order(
    scope: Scope, order: Order, after: OrderState, reason: Message | None = None
) -> None:
    """Change the state of an order that this transaction has locked. Raises Conflict for a
    transition that is not allowed."""
    ORDER_STATES.check(OrderState(order.state), after)
    order.state = str(after)
    order.reason = stored_message(reason)
    scope.add(order)


def has_pack(scope: Scope, fan_id: UUID, pack_id: UUID) -> bool:
    """Return True if the fan bought the pack and the payment was not refunded."""
    return bool(
        scope.run(
            "SELECT 1 FROM entitlements WHERE tenant_id = :tenant AND fan_id = :fan AND pack_id = "
            ":pack"
            " AND state = 'active'",
            tenant=scope.tenant_id,
            fan=fan_id,
            pack=pack_id,
        ).scalar()
    )


def has_open_order(scope: Scope, fan_id: UUID, pack_id: UUID) -> bool:
    """Return True if the fan can still pay for the pack, or has paid and not received it yet."""
    return bool(
        scope.run(
            "SELECT 1 FROM orders WHERE tenant_id = :tenant AND fan_id = :fan AND pack_id = :pack"
            " AND (state IN ('invoiced', 'checkout') AND expires_at > :now OR state IN ('paid', "
            "'fulfilling'))",
            tenant=scope.tenant_id,
            fan=fan_id,
            pack=pack_id,
            now=scope.now,
        ).scalar()
    )
