"""The agency's own systems, wired: what they are told, and how.

Mail to members, wired: by which server, and with whose address in it.
"""

from functools import partial
from uuid import UUID

from channels.notifications import access_links, member_emails, webhooks
from connectors.transport.smtp import EmailTransport
from connectors.transport.transport import Transport
from foundation.http.http_client import HttpClient
from foundation.sealed import Sealed
from gate.consent.events import PortalLinkDue
from tenants.auth.members import CustodianLinkDue
from tenants.notices.emails import EmailDue
from tenants.webhooks.outgoing_calls import WebhookCallDue
from workers.relay.dispatch import NETWORK_DEADLINE_SECONDS, EventRoute
from workers.wiring import Services, outside_reach, permit_signing_key

_SECRET = frozenset({"secret"})


def webhook_routes(s: Services) -> tuple[EventRoute, ...]:
    """The route of calls to hooks, by a way out of their own: not even this installation is reached
    through it."""
    transport = Transport(
        http=HttpClient(reach=outside_reach(s.settings)),
        reveal=s.reveal,
        seal=s.seal,
        read_object=s.store.get,
        verify_key=permit_signing_key(s.settings).public_key(),
    )
    send = partial(
        webhooks.send_webhook,
        tenant=s.tenant,
        transport=transport,
        open_letter=partial(_open_secret, s),
    )
    gave_up = partial(webhooks.fail_webhook, tenant=s.tenant)
    return (
        EventRoute(
            WebhookCallDue, send, deadline_seconds=NETWORK_DEADLINE_SECONDS, on_dead=gave_up
        ),
    )


def _open_secret(s: Services, tenant_id: UUID, letter: Sealed) -> Sealed:
    """The secret a page sealed for the workers, as the transport opens it. Raises Unavailable."""
    found = s.read_form(tenant_id, letter.box, _SECRET)["secret"]
    if not isinstance(found, Sealed):
        raise TypeError("a secret left the letterbox unsealed")
    return found


def email_routes(s: Services) -> tuple[EventRoute, ...]:
    """The routes of mail: to members, and of links to people outside the agency."""
    house = s.settings.dashboard.public_url
    pages = s.settings.web.public_url
    post = EmailTransport(s.settings.mail, house=house, pages=pages).send
    send = partial(member_emails.send_member_email, tenant=s.tenant, post=post, house=house)
    return (
        EventRoute(
            EmailDue,
            send,
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=partial(member_emails.fail_member_email, tenant=s.tenant),
        ),
        EventRoute(
            PortalLinkDue,
            partial(access_links.send_portal_link, tenant=s.tenant, post=post, pages=pages),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            CustodianLinkDue,
            partial(access_links.send_custodian_link, tenant=s.tenant, post=post, house=house),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
    )
