"""States of an order, its fulfilment and its refund."""

from enum import StrEnum


class OrderState(StrEnum):
    """A pack on its way to a fan."""

    OPEN, INVOICED, CHECKOUT = "open", "invoiced", "checkout"
    PAID, FULFILLING, FULFILLED = "paid", "fulfilling", "fulfilled"
    EXPIRED, CANCELLED, REFUSED = "expired", "cancelled", "refused"
    REFUND_PENDING, REFUNDED, DISPUTED = "refund_pending", "refunded", "disputed"


class FulfilmentState(StrEnum):
    """A bought pack being pushed: at most once; what was bought can be pulled for ever."""

    WAITING, SENDING, DELIVERED = "waiting", "sending", "delivered"
    UNCERTAIN, FAILED, REFUSED = "uncertain", "failed", "refused"


class RefundState(StrEnum):
    """Money on its way back: `asked` may be asked of the rail any number of times, the rail gives it once."""

    ASKED, DONE, FAILED = "asked", "done", "failed"
