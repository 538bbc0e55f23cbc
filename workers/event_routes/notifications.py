"""Routes of outgoing notifications: webhooks to the agency's systems, emails to members, and access
links."""

from functools import partial
from uuid import UUID

from channels.notifications import access_links, member_emails, webhooks
from connectors.transport.smtp import EmailTransport
from connectors.transport.transport import Transport
from foundation.http.http_client import HttpClient
from foundation.sealed import Sealed
from gate.consent.events import PortalLinkDue
from tenants.auth import password_links
from tenants.auth.members import CustodianLinkDue, MemberLinkDue
from tenants.auth.password_links import PasswordLinkRequested
from tenants.notices.emails import EmailDue
from tenants.webhooks.outgoing_calls import WebhookCallDue
from workers.relay.dispatch import NETWORK_DEADLINE_SECONDS, EventRoute
from workers.wiring import Services, outside_reach, permit_signing_key

_SECRET = frozenset({"secret"})


def webhook_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the route of webhook calls. Their transport cannot reach this installation."""
    # A separate client: members choose the URLs of webhooks, which must not reach this
    # installation.
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
    """Return the secret of a webhook, which a page sealed for the workers. Raises Unavailable."""
    found = s.read_form(tenant_id, letter.box, _SECRET)["secret"]
    if not isinstance(found, Sealed):
        raise TypeError("a secret left the letterbox unsealed")
    return found


def email_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of emails: to members, and access links to recipients outside the
    agency."""
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
        EventRoute(
            MemberLinkDue,
            partial(access_links.send_member_link, tenant=s.tenant, post=post, house=house),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            PasswordLinkRequested, partial(password_links.queue_password_links, tenant=s.tenant)
        ),
    )
