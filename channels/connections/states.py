"""States of an account setup."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class AccountSetupState(StrEnum):
    """Status of an account setup."""

    WAITING = "waiting"  # a worker connects to the platform
    VISITING = "visiting"  # the member authorizes at the platform and returns
    CONNECTED = "connected"
    REFUSED = "refused"  # with a reason; the form must be submitted again


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
