"""States of an order, its fulfilment and its refund."""

from enum import StrEnum


class OrderState(StrEnum):
    """A pack on its way to a fan."""

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
    """A bought pack being pushed: at most once; what was bought can be pulled for ever."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    REFUSED = "refused"


class RefundState(StrEnum):
    """Money on its way back: `asked` may be asked of the rail any number of times, the rail gives
    it once."""

    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"
