"""`greenroom gate emergency-stop` and `resume`: the emergency stop of every agency of an
installation."""

from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID
from gate.policy import emergency_stops
from workers.terminal.lookup import TERMINAL_ACTOR
from workers.terminal.session import connect_installation

SENDING_SWITCH = "sending"


def stop_installation_publishing(reason: str) -> None:
    """Stop publishing for every agency; scheduled posts stay queued."""
    with connect_installation("gate") as services:
        close_sending_switch(services.tenant, reason)


def resume_installation_publishing(reason: str) -> None:
    """Resume publishing, except for agencies with a stop of their own. Raises Refused without a
    reason."""
    with connect_installation("gate") as services:
        reopen_sending_switch(services.tenant, reason)


def close_sending_switch(tenant: OpenScope, reason: str) -> None:
    """Stop publishing, with the given access to the database."""
    with tenant(INSTALLATION_ID, TERMINAL_ACTOR) as scope:
        emergency_stops.close_switch(scope, "global", "", SENDING_SWITCH, reason=reason)


def reopen_sending_switch(tenant: OpenScope, reason: str) -> None:
    """Resume publishing, with the given access to the database. Raises Refused without a reason."""
    with tenant(INSTALLATION_ID, TERMINAL_ACTOR) as scope:
        emergency_stops.reopen_switch(scope, "global", "", SENDING_SWITCH, reason=reason)
