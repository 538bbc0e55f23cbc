"""`greenroom gate stop`, `reopen`: the emergency stop of a whole installation, every agency in it."""

from foundation.database import OpenScope
from foundation.ids import HOUSE
from gate import switches
from workers.gate_log import ASKING
from workers.visiting import at_home

SENDING = "sending"


def stop(reason: str) -> None:
    """From now on nothing leaves this installation, of no agency; what waits stays queued."""
    with at_home("gate") as services:
        stopped(services.tenant, reason)


def reopen(reason: str) -> None:
    """What waits leaves again, but for what an agency keeps stopped itself. Raises Refused without a reason."""
    with at_home("gate") as services:
        reopened(services.tenant, reason)


def stopped(tenant: OpenScope, reason: str) -> None:
    """The same, of a house that is at hand."""
    with tenant(HOUSE, ASKING) as scope:
        switches.close(scope, "global", "", SENDING, reason=reason)


def reopened(tenant: OpenScope, reason: str) -> None:
    """The same, of a house that is at hand."""
    with tenant(HOUSE, ASKING) as scope:
        switches.reopen(scope, "global", "", SENDING, reason=reason)
