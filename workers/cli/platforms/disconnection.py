"""`greenroom channels disconnect`: disconnect a channel at the terminal."""

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.connections import disconnection
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.ops import telemetry
from schedules.notices import lost_account
from tenants.agencies.queries import get_agency
from tenants.scope import list_tenant_ids
from workers.terminal.lookup import TERMINAL_ACTOR
from workers.terminal.output import translate
from workers.terminal.session import connect_installation
from workers.wiring import Services

DISCONNECTED_BY = "greenroom"
"""Shown on the channel's page in place of the member who disconnected it."""


def disconnect_from_terminal(name: str, *, agency: str, sure: bool) -> str:
    """Disconnect the channel with this name if `sure`, and return a description of the effect.

    Raises NotFound if there is none, BadInput if there are several.
    """
    with connect_installation("channels") as services, telemetry.quiet_logs():
        return translate(queue_disconnection(services, name, agency=agency, sure=sure))


def queue_disconnection(services: Services, name: str, *, agency: str, sure: bool) -> Message:
    """Queue the disconnection if `sure`; the workers do it. Returns a message with the number of
    scheduled posts."""
    channel = _get_channel(services, name.casefold(), agency.casefold())
    with services.tenant(channel.tenant_id, TERMINAL_ACTOR) as scope:
        if channel.is_disconnected:
            return Message(f"channel.is_{channel.state}", {"account": channel.name})
        posts = lost_account.count_pending_posts(scope, channel.id)
        if sure:
            disconnection.request_disconnection(scope, channel.id, DISCONNECTED_BY)
    return Message(
        "channels.leaving" if sure else "cli.channel.would_leave",
        {"name": channel.name, "posts": posts},
    )


def _get_channel(services: Services, name: str, agency: str) -> Channel:
    found: list[Channel] = []
    for tenant_id in list_tenant_ids(services.tenant):
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            if agency in ("", get_agency(scope).name.casefold()):
                every = queries.list_channels(scope)
                found += [
                    one for one in every if name in (one.name.casefold(), one.account.casefold())
                ]
    if not found:
        raise NotFound("channel.unknown")
    if len(found) > 1:
        raise BadInput("cli.channel.several", count=len(found))
    return found[0]
