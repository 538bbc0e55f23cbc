"""Which of a creator's accounts take no film of a length: said before one is made."""

from connectors import fitting
from dashboard.reads import compose
from foundation.database import Scope
from foundation.words import Message
from tenants.reads import Creator


def refusing(scope: Scope, creator: Creator, seconds: int) -> list[tuple[str, Message]]:
    """The accounts, by name, with the reason; those whose platform is not known here judge for themselves."""
    found = []
    for one in compose.accounts(scope, [creator]):
        connector = compose.connectors().get(one.platform)
        why = fitting.film_unfit(seconds, connector.capabilities) if connector is not None else None
        if why is not None:
            found.append((one.name, why))
    return found
