"""The command menu of a bot account, updated when the account is connected and once a day.

The current menu is read first and written only if it differs, so a repeated or interrupted run is
harmless. The texts are catalogue sentences without content of a tenant; they are sent under an
AuthOrder, like the menus of Discord.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from channels.accounts import account_connectors, queries
from channels.accounts.states import ChannelState
from channels.attempts import request_loop
from channels.connections import token_renewal
from channels.connections.events import CommandMenuDue
from channels.limits import send_limits
from connectors.contract.bot_commands import CommandMenu, SupportsCommandMenu
from connectors.contract.capabilities import Capabilities
from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.outcomes import Outcome, Retry
from connectors.transport.transport import Transport
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.permit import AuthOrder
from tenants.notices import notices

AGAIN = timedelta(minutes=1)
"""Minimum delay between two attempts while the platform does not respond."""

MenuOf = Callable[[Capabilities], CommandMenu]
"""Returns the command menu for the capabilities of a platform."""


def plan_menu_checks(scope: Scope) -> None:
    """Schedule a menu update for each account with a chat. Updates that are scheduled already are
    not repeated."""
    for channel in queries.list_channels(scope):
        if channel.state == ChannelState.ACTIVE and channel.chat_surface:
            outbox.put(
                scope, CommandMenuDue(scope.tenant_id, channel.id), dedupe=f"menu:{channel.id}"
            )


def update_menu(
    event: CommandMenuDue,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
    menu_of: MenuOf,
) -> None:
    """Update the command menu of an account. Raises `outbox.RetryLater` if it must be tried
    again."""
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, event.subject_id)
        connector = account_connectors.find_connector_for(connectors, channel)
        if (
            channel.state != ChannelState.ACTIVE
            or not channel.chat_surface
            or not isinstance(connector, SupportsCommandMenu)
        ):
            return
        waits = send_limits.send_block(scope, channel.id, brake=False)
        now = scope.now
    if waits is not None:
        raise outbox.RetryLater(waits.until - now)
    menu = menu_of(connector.capabilities)

    def question(answers: tuple[StepResult, ...]) -> Send | Outcome | None:
        return connector.write_menu(menu, answers)

    def order(_: str) -> AuthOrder:
        return AuthOrder(event.tenant_id, channel.id)

    end = question(
        request_loop.run_requests(channel, question, order, tenant=tenant, transport=transport)
    )
    end = Retry(AGAIN, "account", Message("enrolment.endless")) if isinstance(end, Send) else end
    cause = f"channel:{channel.id}:menu"
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        if end is not None:
            end = token_renewal.apply_outcome_to_account(
                scope, channel, end, shown=channel.generation, secondary=True
            )
        if end is None:
            notices.close(scope, cause)
        elif not isinstance(end, Retry):  # The bot still receives typed commands.
            told = Message("menu.refused", {"account": channel.name})
            notices.put(scope, told, cause=cause, creator_id=channel.creator_id)
    if isinstance(end, Retry):
        raise outbox.RetryLater(max(end.after, AGAIN))
