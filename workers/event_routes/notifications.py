"""Routes of outgoing notifications: webhooks to the agency's systems, messages to members, and
access links."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from pydantic import SecretStr

from channels.accounts import account_connectors, queries
from channels.notifications import access_links, member_messages, webhooks
from channels.notifications.member_messages import MessageSenders, SendEmail
from connectors.contract.connector import StepResult, WireStep
from connectors.contract.member_notices import SupportsMemberNotices
from connectors.transport import web_push
from connectors.transport.smtp import EmailTransport
from connectors.transport.transport import AccountTarget, Transport
from connectors.transport.web_push import PushTransport
from foundation.errors import NotFound
from foundation.http.http_client import HttpClient
from foundation.ops.settings import MailSettings
from foundation.sealed import Sealed
from gate.consent.events import PortalLinkDue
from gate.contract.permit import NoticeOrder
from tenants.auth import password_links, second_factor
from tenants.auth.members import CustodianLinkDue, MemberLinkDue
from tenants.auth.password_links import PasswordLinkRequested
from tenants.notices import mail_servers
from tenants.notices.mail_servers import MailTestDue
from tenants.notices.member_messages import MessageDue
from tenants.vault import envelope
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


def email_transports(s: Services, house: str, pages: str) -> Callable[[UUID], EmailTransport]:
    """Return a function that returns the mail server of an agency, or that of the installation.

    Members choose the address of the former, so it cannot reach this installation.
    """
    of_installation = EmailTransport(s.settings.mail, house=house, pages=pages)
    reach = outside_reach(s.settings)

    def find_transport(tenant_id: UUID) -> EmailTransport:
        own = _agency_mail_settings(s, tenant_id)
        if own is None:
            return of_installation
        return EmailTransport(own, house=house, pages=pages, reach=reach)

    return find_transport


def _email_sender(s: Services, house: str, pages: str) -> SendEmail:
    """Return a function that sends an email through the mail server of its agency."""
    find_transport = email_transports(s, house, pages)
    return lambda letter, order: find_transport(letter.tenant_id).send(letter, order)


def _agency_mail_settings(s: Services, tenant_id: UUID) -> MailSettings | None:
    """Return the mail server of an agency with its password, or None if it has none."""
    with s.tenant(tenant_id, member_messages.EMAIL_ACTOR) as scope:
        own = mail_servers.find_mail_server(scope)
        sealed = mail_servers.find_sealed_password(scope)
    if own is None:
        return None
    password = ""
    if sealed is not None:
        found = s.read_form(tenant_id, sealed, frozenset({mail_servers.PASSWORD}))
        box = found[mail_servers.PASSWORD]
        password = s.reveal(tenant_id, box) if isinstance(box, Sealed) else box
    return MailSettings(
        host=own.host,
        port=own.port,
        security=own.security,
        user=own.user,
        password=SecretStr(password),
        sender=own.sender,
    )


def _message_senders(s: Services, post: SendEmail, house: str) -> MessageSenders:
    """Return the routes to members. Addresses of push services come from browsers, so they cannot
    reach this installation."""
    master_key = envelope.parse_master_key(s.settings.tenants.master_key.get_secret_value())
    # The dashboard has the door key only, and browsers subscribe with the public key.
    key = web_push.derive_push_key(second_factor.derive_door_key(master_key))
    push = PushTransport(HttpClient(reach=outside_reach(s.settings)), key, house=house)

    return MessageSenders(post, telegram_sender(s), push.send, bot_finder(s))


def telegram_sender(
    s: Services,
) -> Callable[[WireStep, NoticeOrder, AccountTarget], StepResult]:
    """Return a function that sends a message to the linked chat of a member."""
    return lambda step, order, account: s.transport.send(step, order, account=account)


def bot_finder(
    s: Services,
) -> Callable[[UUID, UUID], tuple[SupportsMemberNotices, AccountTarget] | None]:
    """Return a function that returns the connector and the account of a bot, or None if it is
    disconnected."""

    def find_bot(
        tenant_id: UUID, channel_id: UUID
    ) -> tuple[SupportsMemberNotices, AccountTarget] | None:
        try:
            with s.tenant(tenant_id, member_messages.EMAIL_ACTOR) as scope:
                channel = queries.get_channel(scope, channel_id)
        except NotFound:
            return None
        connector = account_connectors.find_connector_for(s.connectors, channel)
        if channel.token is None or not isinstance(connector, SupportsMemberNotices):
            return None
        return connector, queries.transport_account(channel)

    return find_bot


def email_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of messages to members, and of access links to recipients outside the
    agency."""
    house = s.settings.dashboard.public_url
    pages = s.settings.web.public_url
    post = _email_sender(s, house, pages)
    # The agency must not read the links of depicted people and custodians, whose evidence is
    # independent of it.
    independent = EmailTransport(s.settings.mail, house=house, pages=pages).send
    send = partial(
        member_messages.send_member_message,
        tenant=s.tenant,
        senders=_message_senders(s, post, house),
        house=house,
    )
    return (
        EventRoute(
            MessageDue,
            send,
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=partial(member_messages.fail_member_message, tenant=s.tenant),
        ),
        EventRoute(
            MailTestDue,
            partial(member_messages.send_test_email, tenant=s.tenant, post=post, house=house),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=partial(member_messages.fail_test_email, tenant=s.tenant),
        ),
        EventRoute(
            PortalLinkDue,
            partial(access_links.send_portal_link, tenant=s.tenant, post=independent, pages=pages),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            CustodianLinkDue,
            partial(
                access_links.send_custodian_link, tenant=s.tenant, post=independent, house=house
            ),
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
