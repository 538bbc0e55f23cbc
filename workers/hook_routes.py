"""The agency's own systems, wired: what they are told, and how."""

from functools import partial
from uuid import UUID

from channels import notifying
from connectors.transport import Transport
from foundation import addresses
from foundation.addresses import Reach
from foundation.http import HttpClient
from foundation.sealed import Sealed
from foundation.settings import Settings
from tenants.hooks import HookDue
from workers.dispatch import ACT_SECONDS, Route
from workers.wiring import Services, signing_key

_SECRET = frozenset({"secret"})


def routes(s: Services) -> tuple[Route, ...]:
    """The route of calls to hooks, by a way out of their own: not even this installation is reached through it."""
    transport = Transport(
        http=HttpClient(reach=reach(s.settings)),
        reveal=s.reveal,
        seal=s.seal,
        read_object=s.store.get,
        verify_key=signing_key(s.settings).public_key(),
    )
    send = partial(notifying.send, tenant=s.tenant, transport=transport, open_letter=partial(_opened, s))
    gave_up = partial(notifying.gave_up, tenant=s.tenant)
    return (Route(HookDue, send, deadline_seconds=ACT_SECONDS, on_dead=gave_up),)


def reach(settings: Settings) -> Reach:
    """Public addresses alone in production; a developer's and a test's receiver is on their own machine."""
    return addresses.PublicOnly(()) if settings.environment == "production" else addresses.anywhere


def _opened(s: Services, tenant_id: UUID, letter: Sealed) -> Sealed:
    """The secret a page sealed for the workers, as the transport opens it. Raises Unavailable."""
    found = s.read_form(tenant_id, letter.box, _SECRET)["secret"]
    if not isinstance(found, Sealed):
        raise TypeError("a secret left the letterbox unsealed")
    return found
