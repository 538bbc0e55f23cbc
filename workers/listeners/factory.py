"""Construction of listeners: one for each account, and the pool of all."""

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from channels.accounts import account_connectors, lifecycle
from channels.accounts.queries import Channel
from channels.sending import account_actions
from connectors.contract.chats import ChatUpdate, SupportsSharedInbox
from foundation.db.database import Scope
from subscribers.fans import directory
from subscribers.intake import fan_commands, update_intake
from tenants.vault import envelope
from workers.listeners.checkouts import CheckoutResponder
from workers.listeners.polling import LISTENER_ACTOR, AccountListener, ListenerPool
from workers.listeners.webhooks import account_listener
from workers.wiring import Services


def make_listener(s: Services, channel: Channel) -> AccountListener:
    """Return the listener of one account."""
    gateway = GATEWAY_LISTENERS.get(channel.platform)
    if gateway is not None:
        return _build_gateway_listener(s, channel, gateway)
    kind: Callable[..., AccountListener] = AccountListener
    if account_listener.can_use_webhooks(
        account_connectors.connector_for(s.chat_connectors, channel)
    ):
        kind = (
            partial(account_listener.WebhookListener, **_webhook_parameters(s, channel))
            if can_receive_webhooks(s)
            else account_listener.PolledWebhookListener
        )
    return kind(
        channel,
        tenant=s.tenant,
        transport=s.transport,
        connectors=s.chat_connectors,
        hear=partial(_receive_update, s),
        at_once=partial(_at_once, s),
    )


def can_receive_webhooks(s: Services) -> bool:
    """Return True if platforms can call this installation, which needs a public HTTPS URL.
    Otherwise they are polled."""
    return s.settings.public_url.startswith("https://")


def _webhook_parameters(s: Services, channel: Channel) -> Mapping[str, Any]:
    """Return the URL and the secret of an account's webhook."""
    master_key = envelope.parse_master_key(s.settings.tenants.master_key.get_secret_value())
    address = f"{s.settings.public_url.rstrip('/')}/hooks/{channel.platform}/{channel.id}"
    return {
        "address": address,
        "secret": account_listener.webhook_secret(master_key, channel.id),
        "seal": s.seal,
    }


def make_listener_pool(s: Services) -> ListenerPool:
    """Return the listeners of all accounts with chats."""

    def chatty(channel: Channel) -> bool:
        heard = lifecycle.is_listened_to(channel)
        return bool(channel.chat_surface) and heard and channel.platform in s.chat_connectors

    def inbox(channel: Channel) -> Hashable:
        connector = account_connectors.connector_for(s.chat_connectors, channel)
        if isinstance(connector, SupportsSharedInbox):
            return channel.platform, connector.inbox_id(channel.account)
        return channel.id

    return ListenerPool(partial(make_listener, s), tenant=s.tenant, chatty=chatty, inbox=inbox)


GATEWAY_LISTENERS: Mapping[str, str] = {
    "discord": "workers.listeners.discord.gateway:DiscordGatewayListener"
}
"""Platforms with a gateway connection. The classes are named by strings, so that their libraries
are loaded with the first account."""


CHATS_REREAD = 200
"""Maximum number of an account's chats that are read again after an interruption, the most recent
first."""


def _build_gateway_listener(s: Services, channel: Channel, name: str) -> AccountListener:
    module, _, attribute = name.partition(":")
    capabilities = account_connectors.connector_for(s.chat_connectors, channel).capabilities
    made: AccountListener = getattr(import_module(module), attribute)(
        channel,
        tenant=s.tenant,
        transport=s.transport,
        connectors=s.chat_connectors,
        hear=partial(_receive_update, s),
        at_once=_build_checkout_responder(s).answer_checkout,
        reveal=s.reveal,
        seal=s.seal,
        known=partial(_list_known_fans, s),
        menu=fan_commands.command_menu(sells=capabilities.can_sell),
    )
    return made


def _list_known_fans(s: Services, channel: Channel) -> list[str]:
    with s.tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
        return directory.latest_fan_ids(scope, channel.id, CHATS_REREAD)


def _receive_update(s: Services, scope: Scope, channel: Channel, update: ChatUpdate) -> None:
    update_intake.receive_update(
        scope,
        channel,
        update,
        rails=s.rails,
        environment=s.settings.environment,
        pages=s.settings.web.public_url,
    )


def _at_once(s: Services, channel: Channel, update: ChatUpdate) -> bool:
    """Respond to updates that cannot wait: confirm a button, answer a checkout. Return True for a
    checkout, which needs no further processing."""
    seen = account_connectors.connector_for(s.chat_connectors, channel).acknowledge(update)
    if seen is not None:
        account_actions.send_control_step(channel, seen, transport=s.transport)
    return _build_checkout_responder(s).answer_checkout(channel, update)


def _build_checkout_responder(s: Services) -> CheckoutResponder:
    return CheckoutResponder(s.tenant, s.transport, s.chat_connectors, s.rails, s.mint)
