"""Which of a creator's accounts take no film of a length: said before one is made."""

from channels import abilities
from channels import reads as channel_reads
from connectors import fitting
from dashboard.reads import compose
from foundation.database import Scope
from foundation.words import Message
from tenants.reads import Creator


def refusing(scope: Scope, creator: Creator, seconds: int) -> list[tuple[str, Message]]:
    """The accounts, by name, with the reason; those whose platform is not known here judge for themselves."""
    found = []
    for one in (each for each in channel_reads.channels_of(scope, creator.id) if each.surface):
        connector = abilities.known(compose.connectors(), one)
        why = fitting.film_unfit(seconds, connector.capabilities) if connector is not None else None
        if why is not None:
            found.append((one.name, why))
    return found
