"""States of a purchase and of a text request."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class PurchaseState(StrEnum):
    """The state of an image order. All but released ones count as spent."""

    RESERVED = "reserved"  # price reserved, no request sent
    ASKED = "asked"  # may be billed: look it up before requesting it again
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
    """The state of a text request. All but those not received by the server count as spent."""

    ASKED = "asked"  # sent or about to be sent: may be billed if the worker died here
    ANSWERED = "answered"  # billed, not used yet
    KEPT = "kept"
    LOST = "lost"  # no complete response, may be billed
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
