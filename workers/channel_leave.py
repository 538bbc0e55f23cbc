"""Disconnecting an account from the terminal."""

from channels import disconnecting
from channels import reads as channel_reads
from channels.reads import Channel
from foundation import telemetry
from foundation.errors import BadInput, NotFound
from foundation.words import Message
from schedules import lost
from tenants import reads as tenant_reads
from tenants.scope import all_tenants
from workers.terminal import sentence
from workers.visiting import at_home
from workers.wiring import Services

TERMINAL = "system:terminal"
BY = "greenroom"
"""Whose act it is, as the account's card says it."""


def disconnect(name: str, *, agency: str, sure: bool) -> str:
    """What becomes of the one account of a name: nothing, unless `sure`.

    Raises NotFound where there is none, BadInput where there are several.
    """
    with at_home("channels") as services, telemetry.quietly():
        return sentence(leave(services, name, agency=agency, sure=sure))


def leave(services: Services, name: str, *, agency: str, sure: bool) -> Message:
    """Have the workers take the account off if `sure`; the sentence that says what becomes of its posts."""
    channel = _one(services, name.casefold(), agency.casefold())
    with services.tenant(channel.tenant_id, TERMINAL) as scope:
        if channel.left:
            return Message(f"channel.is_{channel.state}", {"account": channel.name})
        posts = lost.ahead(scope, channel.id)
        if sure:
            disconnecting.ask(scope, channel.id, BY)
    return Message("channels.leaving" if sure else "cli.channel.would_leave", {"name": channel.name, "posts": posts})


def _one(services: Services, name: str, agency: str) -> Channel:
    found: list[Channel] = []
    for tenant_id in all_tenants(services.tenant):
        with services.tenant(tenant_id, TERMINAL) as scope:
            if agency in ("", tenant_reads.agency(scope).name.casefold()):
                every = channel_reads.every_channel(scope)
                found += [one for one in every if name in (one.name.casefold(), one.account.casefold())]
    if not found:
        raise NotFound("channel.unknown")
    if len(found) > 1:
        raise BadInput("cli.channel.several", count=len(found))
    return found[0]
