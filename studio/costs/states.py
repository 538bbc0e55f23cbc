"""States of a purchase and of a text request."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class PurchaseState(StrEnum):
    """Where one picture that is bought stands. All but a released one count as spent."""

    RESERVED = "reserved"  # its price is set aside, and nothing was asked
    ASKED = "asked"  # it may be billed: nobody asks again before he has looked for it
    PAID = "paid"
    RELEASED = "released"


PURCHASE_STATES = StateGraph(
    initial=PurchaseState.RESERVED,
    edges={
        PurchaseState.RESERVED: {PurchaseState.ASKED, PurchaseState.RELEASED},
        PurchaseState.ASKED: {PurchaseState.RESERVED, PurchaseState.PAID},
        PurchaseState.RELEASED: {PurchaseState.RESERVED},
    },
)


class TextRequestState(StrEnum):
    """Where one request for a text stands. All but one that was never heard count as spent."""

    ASKED = "asked"  # it left, or is about to: who was killed here may have been billed
    ANSWERED = "answered"  # billed; nobody used it yet, and perhaps nobody will
    KEPT = "kept"
    LOST = "lost"  # no whole answer came, and it may be billed
    UNHEARD = "unheard"


TEXT_REQUEST_STATES = StateGraph(
    initial=TextRequestState.ASKED,
    edges={
        TextRequestState.ASKED: {
            TextRequestState.ANSWERED,
            TextRequestState.LOST,
            TextRequestState.UNHEARD,
        },
        TextRequestState.ANSWERED: {TextRequestState.KEPT},
    },
)
