"""Channels of event routes."""

from functools import partial
from typing import Any

from channels.connections import (
    account_setup,
    command_menu,
    destination_check,
    disconnection,
    oauth_flow,
    platform_limits,
    token_renewal,
)
from channels.connections.events import (
    AccountSetupRequested,
    AccountTestRequested,
    AdultAreaRequested,
    CommandMenuDue,
    DestinationCheckDue,
    DisconnectionRequested,
    OwnPageRequested,
    PlatformLimitsDue,
    TenantLimitsDue,
    TokenRenewalDue,
)
from channels.listening import webhook_subscriptions
from channels.listening.events import WebhookSubscriptionDue
from channels.manual_tasks import file_downloads, task_lifecycle
from channels.manual_tasks.events import FileDownloadRequested, ManualTaskCheckDue
from channels.metrics import platform_readings
from channels.metrics.events import DeliveryVerificationDue
from channels.sending import handlers, removal
from channels.sending.events import BrakeProbeDue, CopyRemovalDue
from connectors.contract.bot_commands import CommandMenu
from connectors.contract.capabilities import Capabilities
from connectors.registry import loader
from gate.permits.events import PlaceProbeDue
from subscribers.intake import fan_commands
from workers.event_handlers import own_pages
from workers.listeners.webhooks import meta
from workers.relay.dispatch import NETWORK_DEADLINE_SECONDS, EventRoute
from workers.wiring import Services

pass


LOOKUP_DEADLINE_SECONDS = 60
"""A look at a place, reader by reader where a platform lists nobody."""


def _menu_of(capabilities: Capabilities) -> CommandMenu:
    return fan_commands.command_menu(sells=capabilities.can_sell)


def account_routes(s: Services) -> tuple[EventRoute, ...]:
    tenant = s.tenant
    transport = s.transport
    connectors = s.connectors
    connectables = loader.connectable_platforms(connectors)
    addresses = loader.base_addresses(connectors, s.settings.connectors.base_urls)
    enrol = partial(
        account_setup.run_setup,
        tenant=tenant,
        transport=transport,
        connectables=connectables,
        addresses=addresses,
        read_form=s.read_form,
        may_reach=s.may_reach,
        seal=s.seal,
        returns_to=s.settings.dashboard.public_url.rstrip("/") + oauth_flow.OAUTH_RETURN_PATH,
    )
    test = partial(account_setup.verify_account, tenant=tenant, transport=transport, connectables=connectables)
    probe = partial(handlers.probe_platform, tenant=tenant, transport=transport, connectors=connectors)
    measure = partial(platform_limits.read_platform_limits, tenant=tenant, transport=transport, connectors=connectors)
    see = partial(destination_check.check_destination, tenant=tenant, transport=transport, connectors=connectors)
    verify = partial(platform_readings.verify_delivery, tenant=tenant, transport=transport, connectors=connectors)
    remove = partial(removal.remove_copy, tenant=tenant, transport=transport, connectors=connectors, mint=s.mint)
    show = partial(
        command_menu.update_menu, tenant=tenant, transport=transport, connectors=connectors, menu_of=_menu_of
    )
    outside: dict[str, Any] = {
        "tenant": tenant,
        "transport": transport,
        "connectors": connectors,
        "addresses": addresses,
    }
    renew = partial(token_renewal.renew_tokens, **outside)
    sign_up = partial(
        webhook_subscriptions.update_subscription,
        tenant=tenant,
        transport=transport,
        connectors=connectors,
        taken=meta.can_receive_meta_webhooks(s),
    )
    return (
        EventRoute(WebhookSubscriptionDue, sign_up, deadline_seconds=NETWORK_DEADLINE_SECONDS),
        EventRoute(
            DisconnectionRequested,
            partial(disconnection.perform_disconnection, **outside),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=partial(disconnection.disconnect_without_platform, tenant=tenant),
        ),
        EventRoute(
            BrakeProbeDue,
            probe,
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=partial(handlers.give_up_probe, tenant=tenant),
        ),
        EventRoute(DestinationCheckDue, see, deadline_seconds=LOOKUP_DEADLINE_SECONDS),
        EventRoute(PlaceProbeDue, partial(destination_check.plan_destination_checks, tenant=tenant)),
        EventRoute(PlatformLimitsDue, measure, deadline_seconds=NETWORK_DEADLINE_SECONDS),
        EventRoute(TenantLimitsDue, partial(platform_limits.plan_limit_reads, tenant=tenant, connectors=connectors)),
        EventRoute(CommandMenuDue, show, deadline_seconds=NETWORK_DEADLINE_SECONDS),
        EventRoute(DeliveryVerificationDue, verify, deadline_seconds=NETWORK_DEADLINE_SECONDS),
        EventRoute(AccountSetupRequested, enrol, deadline_seconds=NETWORK_DEADLINE_SECONDS),
        EventRoute(AccountTestRequested, test, deadline_seconds=NETWORK_DEADLINE_SECONDS),
        EventRoute(
            AdultAreaRequested, partial(own_pages.open_adult_area, tenant=tenant, seal=s.seal, settings=s.settings)
        ),
        EventRoute(OwnPageRequested, partial(own_pages.open_own_page, tenant=tenant, seal=s.seal, settings=s.settings)),
        EventRoute(TokenRenewalDue, renew, deadline_seconds=NETWORK_DEADLINE_SECONDS),
        EventRoute(CopyRemovalDue, remove, deadline_seconds=removal.REMOVAL_TIMEOUT),
        EventRoute(ManualTaskCheckDue, partial(task_lifecycle.check_task, tenant=tenant)),
        EventRoute(
            FileDownloadRequested,
            partial(file_downloads.decide_download, tenant=tenant, mint=s.mint, connectors=connectors),
        ),
    )
