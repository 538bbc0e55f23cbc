"""Recalls of sold packs: each fan who paid is refunded and notified once, however often the event
is repeated."""

from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from gate.contract.units import Subject
from gate.copies import live_copies
from subscribers.conversations import conversation_rows
from subscribers.conversations.states import ORDER_STATES
from subscribers.orders import locked_messages, order_rows, refunds
from subscribers.orders.events import PackRecalled
from subscribers.orders.states import OrderState

REASON = Message("refund.recalled")

_SOLD = """
SELECT p.id, p.order_id, f.pack_id, f.pack_version FROM payments p
JOIN fulfilments f ON f.tenant_id = p.tenant_id AND f.payment_id = p.id
WHERE p.tenant_id = :tenant AND p.kind = 'matched' AND (:kind = 'fulfilment' AND f.id = :subject
  OR :kind = 'draft' AND p.order_id = (SELECT d.order_id FROM drafts d WHERE d.tenant_id =
  :tenant AND d.id = :subject
    AND d.kind IN ('pack', 'locked')))
"""
"""The payment behind a copy in a fan's chat: the push of a pack, a repeated download, or an
unlocked message."""

_UNPAID = (
    "SELECT order_id FROM drafts WHERE tenant_id = :tenant AND id = :subject AND kind = 'locked'"
)

_UNREACHED = """
SELECT e.payment_id, p.order_id FROM entitlements e
JOIN payments p ON p.tenant_id = e.tenant_id AND p.id = e.payment_id
JOIN fulfilments f ON f.tenant_id = e.tenant_id AND f.payment_id = e.payment_id
WHERE e.tenant_id = :tenant AND e.state = 'active' AND f.state = 'failed' AND e.pack_id = :pack
  AND e.pack_version = :version AND p.order_id IS NOT NULL
ORDER BY e.payment_id
"""
"""Payments for the same pack version whose delivery failed: after the recall it can no longer
succeed."""


def refund_recalled_pack(event: PackRecalled, *, tenant: OpenScope) -> None:
    """Request refunds for all payments of a recalled copy, one transaction for each payment."""
    with tenant(event.tenant_id, refunds.RECALL_ACTOR) as scope:
        owed = _list_refunds_due(scope, event.subject_id)
        if not owed:
            _cancel_unpaid_order(scope, event.subject_id)
    for payment_id, order_id in owed:
        with tenant(event.tenant_id, refunds.RECALL_ACTOR) as scope:
            # Lock order: conversation before payment.
            conversation_rows.lock_conversation(
                scope, order_rows.get_order(scope, order_id).conversation_id
            )
            # A failed refund waits for a member and is not retried for each further copy.
            if not refunds.is_refund_requested(scope, payment_id):
                refunds.request_refund(scope, payment_id, reason=REASON)


def _cancel_unpaid_order(scope: Scope, jti: UUID) -> None:
    """Cancel the order of a locked message that is recalled before payment.

    Schedule a purchase check too, since the fan may still pay before the message is gone.
    """
    copy = live_copies.find_copy(scope, jti)
    if copy is None or copy.subject.kind != "draft":
        return
    order_id = scope.run(_UNPAID, tenant=scope.tenant_id, subject=copy.subject.id).scalar()
    if order_id is None:
        return
    order = order_rows.get_order(scope, order_id, lock=True)
    if ORDER_STATES.allows(OrderState(order.state), OrderState.CANCELLED):
        order_rows.transition_order(scope, order, OrderState.CANCELLED, REASON)
        locked_messages.schedule_unlock_check(scope, order_id, scope.now)


def _list_refunds_due(scope: Scope, jti: UUID) -> list[tuple[UUID, UUID]]:
    copy = live_copies.find_copy(scope, jti)
    if copy is None or copy.subject.kind not in ("fulfilment", "draft"):
        return []
    sold = _find_sale(scope, copy.subject)
    if sold is None:
        return []
    payment_id, order_id, pack_id, version = sold
    unreached = scope.run(_UNREACHED, tenant=scope.tenant_id, pack=pack_id, version=version)
    return list(
        dict.fromkeys(
            [(payment_id, order_id), *((row.payment_id, row.order_id) for row in unreached)]
        )
    )


def _find_sale(scope: Scope, subject: Subject) -> tuple[UUID, UUID, UUID, int] | None:
    row = scope.run(_SOLD, tenant=scope.tenant_id, kind=subject.kind, subject=subject.id).first()
    return (row.id, row.order_id, row.pack_id, row.pack_version) if row is not None else None
