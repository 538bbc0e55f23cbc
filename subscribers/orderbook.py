"""Orders as rows: found, locked, moved; and what a fan owns."""

from uuid import UUID

from sqlmodel import select

from foundation.database import Scope, stored
from foundation.errors import NotFound
from foundation.words import Message
from subscribers.models import Order
from subscribers.states import ORDER_STATES, OrderState


def find(scope: Scope, order_id: UUID, *, lock: bool = False) -> Order:
    """The order as it stands now. Raises NotFound; another tenant's looks the same."""
    statement = select(Order).where(Order.tenant_id == scope.tenant_id, Order.id == order_id)
    statement = statement.with_for_update() if lock else statement
    row = scope.session.exec(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound("order.unknown")
    return row


def move(scope: Scope, order: Order, after: OrderState, reason: Message | None = None) -> None:
    """Bring an order that this transaction holds to `after`. Raises Conflict."""
    ORDER_STATES.check(OrderState(order.state), after)
    order.state, order.reason = str(after), stored(reason)
    scope.add(order)


def owns(scope: Scope, fan_id: UUID, pack_id: UUID) -> bool:
    """Whether the fan has bought the pack and kept it."""
    return bool(
        scope.run(
            "SELECT 1 FROM entitlements WHERE tenant_id = :tenant AND fan_id = :fan AND pack_id = :pack"
            " AND state = 'active'",
            tenant=scope.tenant_id,
            fan=fan_id,
            pack=pack_id,
        ).scalar()
    )


def is_open(scope: Scope, fan_id: UUID, pack_id: UUID) -> bool:
    """Whether the fan may still pay for the pack, or has paid and not got it yet."""
    return bool(
        scope.run(
            "SELECT 1 FROM orders WHERE tenant_id = :tenant AND fan_id = :fan AND pack_id = :pack"
            " AND (state IN ('invoiced', 'checkout') AND expires_at > :now OR state IN ('paid', 'fulfilling'))",
            tenant=scope.tenant_id,
            fan=fan_id,
            pack=pack_id,
            now=scope.now,
        ).scalar()
    )
