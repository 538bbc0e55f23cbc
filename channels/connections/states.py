"""States of an account setup."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class AccountSetupState(StrEnum):
    """How connecting an account stands."""

    WAITING = "waiting"  # the workers ask the platform
    VISITING = "visiting"  # a person goes on at the platform, and comes back
    CONNECTED = "connected"
    REFUSED = "refused"  # with the reason; the form must be filled in again


ACCOUNT_SETUP_STATES = StateGraph(
    initial=AccountSetupState.WAITING,
    edges={
        AccountSetupState.WAITING: {
            AccountSetupState.VISITING,
            AccountSetupState.CONNECTED,
            AccountSetupState.REFUSED,
        },
        AccountSetupState.VISITING: {AccountSetupState.WAITING, AccountSetupState.REFUSED},
    },
)
