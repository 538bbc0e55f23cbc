"""`greenroom gate emergency-stop`, `resume`: the emergency stop of a whole installation, every
agency in it."""

from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID
from gate.policy import emergency_stops
from workers.cli.gate.log_export import TERMINAL_ACTOR
from workers.terminal.session import connect_installation

SENDING_SWITCH = "sending"


def stop_installation_publishing(reason: str) -> None:
    """From now on nothing leaves this installation, of no agency; what waits stays queued."""
    with connect_installation("gate") as services:
        close_sending_switch(services.tenant, reason)


def resume_installation_publishing(reason: str) -> None:
    """What waits leaves again, but for what an agency keeps stopped itself. Raises Refused without
    a reason."""
    with connect_installation("gate") as services:
        reopen_sending_switch(services.tenant, reason)


def close_sending_switch(tenant: OpenScope, reason: str) -> None:
    """The same, of a house that is at hand."""
    with tenant(INSTALLATION_ID, TERMINAL_ACTOR) as scope:
        emergency_stops.close_switch(scope, "global", "", SENDING_SWITCH, reason=reason)


def reopen_sending_switch(tenant: OpenScope, reason: str) -> None:
    """The same, of a house that is at hand."""
    with tenant(INSTALLATION_ID, TERMINAL_ACTOR) as scope:
        emergency_stops.reopen_switch(scope, "global", "", SENDING_SWITCH, reason=reason)
