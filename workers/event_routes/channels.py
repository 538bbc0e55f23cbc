"""Routes of the events of `channels`: account setup and maintenance, sending, removal and manual
tasks."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from channels.connections import (
    account_setup,
    command_menu,
    destination_settings_check,
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
from channels.creators import profiles
from channels.creators.events import AvatarReplaced, HandleChanged, OwnPageProfileDue
from channels.listening import webhook_subscriptions
from channels.listening.events import WebhookSubscriptionDue
from channels.manual_tasks import file_downloads, task_lifecycle
from channels.manual_tasks.events import FileDownloadRequested, ManualTaskCheckDue
from channels.metrics import platform_readings
from channels.metrics.events import DeliveryVerificationDue
from channels.sending import handlers, removal
from channels.sending.events import BrakeProbeDue, CopyRemovalDue, PermitVoidDue
from connectors.contract.bot_commands import CommandMenu
from connectors.contract.capabilities import Capabilities
from connectors.registry import loader
from gate.permits.events import PlaceProbeDue
from subscribers.intake import fan_commands
from workers.event_handlers import own_pages
from workers.listeners.webhooks import meta
from workers.relay.dispatch import NETWORK_DEADLINE_SECONDS, EventRoute
from workers.wiring import Services

LOOKUP_DEADLINE_SECONDS = 60
"""Deadline of a destination check, which may request readers one by one if a platform does not list
members."""


def _menu_of(capabilities: Capabilities) -> CommandMenu:
    return fan_commands.command_menu(sells=capabilities.can_sell)


def account_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of the events of `channels`."""
    addresses = loader.base_addresses(s.connectors, s.settings.connectors.base_urls)
    return (
        *_setup_routes(s, addresses),
        *_connection_routes(s, addresses),
        *_sending_routes(s),
        *_manual_task_routes(s),
    )


def _setup_routes(s: Services, addresses: Mapping[str, str]) -> Iterator[EventRoute]:
    connectables = loader.connectable_platforms(s.connectors)
    set_up = partial(
        account_setup.run_setup,
        tenant=s.tenant,
        transport=s.transport,
        connectables=connectables,
        addresses=addresses,
        read_form=s.read_form,
        may_reach=s.may_reach,
        seal=s.seal,
        returns_to=s.settings.dashboard.public_url.rstrip("/") + oauth_flow.OAUTH_RETURN_PATH,
    )
    verify = partial(
        account_setup.verify_account,
        tenant=s.tenant,
        transport=s.transport,
        connectors=s.connectors,
    )
    open_area = partial(
        own_pages.open_adult_area, tenant=s.tenant, seal=s.seal, settings=s.settings
    )
    open_page = partial(own_pages.open_own_page, tenant=s.tenant, seal=s.seal, settings=s.settings)
    yield EventRoute(AccountSetupRequested, set_up, deadline_seconds=NETWORK_DEADLINE_SECONDS)
    yield EventRoute(AccountTestRequested, verify, deadline_seconds=NETWORK_DEADLINE_SECONDS)
    yield EventRoute(AdultAreaRequested, open_area)
    yield EventRoute(OwnPageRequested, open_page)
    yield EventRoute(OwnPageProfileDue, partial(own_pages.update_own_page, tenant=s.tenant))
    yield EventRoute(HandleChanged, partial(own_pages.move_own_page, tenant=s.tenant))
    delete_avatar = partial(profiles.delete_replaced_avatar, tenant=s.tenant, store=s.store)
    yield EventRoute(AvatarReplaced, delete_avatar)


def _connection_routes(s: Services, addresses: Mapping[str, str]) -> Iterator[EventRoute]:
    calling: dict[str, Any] = {
        "tenant": s.tenant,
        "transport": s.transport,
        "connectors": s.connectors,
    }
    subscribe = partial(
        webhook_subscriptions.update_subscription,
        **calling,
        taken=meta.can_receive_meta_webhooks(s),
    )
    disconnect = partial(disconnection.perform_disconnection, **calling, addresses=addresses)
    renew = partial(token_renewal.renew_tokens, **calling, addresses=addresses)
    check = partial(destination_settings_check.check_destination, **calling)
    plan_checks = partial(destination_settings_check.plan_destination_checks, tenant=s.tenant)
    read_limits = partial(platform_limits.read_platform_limits, **calling)
    plan_reads = partial(platform_limits.plan_limit_reads, tenant=s.tenant, connectors=s.connectors)
    update_menu = partial(command_menu.update_menu, **calling, menu_of=_menu_of)
    yield EventRoute(WebhookSubscriptionDue, subscribe, deadline_seconds=NETWORK_DEADLINE_SECONDS)
    yield EventRoute(
        DisconnectionRequested,
        disconnect,
        deadline_seconds=NETWORK_DEADLINE_SECONDS,
        on_dead=partial(disconnection.disconnect_without_platform, tenant=s.tenant),
    )
    yield EventRoute(TokenRenewalDue, renew, deadline_seconds=NETWORK_DEADLINE_SECONDS)
    yield EventRoute(DestinationCheckDue, check, deadline_seconds=LOOKUP_DEADLINE_SECONDS)
    yield EventRoute(PlaceProbeDue, plan_checks)
    yield EventRoute(PlatformLimitsDue, read_limits, deadline_seconds=NETWORK_DEADLINE_SECONDS)
    yield EventRoute(TenantLimitsDue, plan_reads)
    yield EventRoute(CommandMenuDue, update_menu, deadline_seconds=NETWORK_DEADLINE_SECONDS)


def _sending_routes(s: Services) -> Iterator[EventRoute]:
    calling: dict[str, Any] = {
        "tenant": s.tenant,
        "transport": s.transport,
        "connectors": s.connectors,
    }
    probe = partial(handlers.probe_platform, **calling)
    verify = partial(platform_readings.verify_delivery, **calling)
    remove = partial(removal.remove_copy, **calling, mint=s.mint)
    yield EventRoute(
        BrakeProbeDue,
        probe,
        deadline_seconds=NETWORK_DEADLINE_SECONDS,
        on_dead=partial(handlers.give_up_probe, tenant=s.tenant),
    )
    yield EventRoute(DeliveryVerificationDue, verify, deadline_seconds=NETWORK_DEADLINE_SECONDS)
    yield EventRoute(PermitVoidDue, partial(handlers.void_permit, tenant=s.tenant))
    yield EventRoute(CopyRemovalDue, remove, deadline_seconds=removal.REMOVAL_TIMEOUT)


def _manual_task_routes(s: Services) -> Iterator[EventRoute]:
    yield EventRoute(ManualTaskCheckDue, partial(task_lifecycle.check_task, tenant=s.tenant))
    decide = partial(
        file_downloads.decide_download, tenant=s.tenant, mint=s.mint, connectors=s.connectors
    )
    yield EventRoute(FileDownloadRequested, decide)
