"""States of an order, its fulfilment and its refund."""

from enum import StrEnum


class OrderState(StrEnum):
    """States of a fan's order for a pack."""

    OPEN = "open"
    INVOICED = "invoiced"
    CHECKOUT = "checkout"
    PAID = "paid"
    FULFILLING = "fulfilling"
    FULFILLED = "fulfilled"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"
    DISPUTED = "disputed"


class FulfilmentState(StrEnum):
    """States of the push of a bought pack. It is sent at most once; the fan can fetch the pack any
    number of times."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    REFUSED = "refused"


class RefundState(StrEnum):
    """States of a refund. While `asked`, the rail may be called repeatedly; it refunds a charge
    once."""

    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"
