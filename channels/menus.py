"""What an account shows before anybody writes: its menu of commands, looked at when it is connected and every day.

What stands is read first and written only where it differs, so a run that is repeated, or was killed, finds its work
done. The sentences are those of our own catalogue, nothing of a tenant's: they go under an order for signing in, as
the menus of Discord do (docs/adr/0077).
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from channels import abilities, asking, budgets, reads, refreshing
from channels.events import MenuDue
from channels.states import ChannelState
from connectors.capabilities import Capabilities
from connectors.commands import Menu, OffersMenu
from connectors.contract import Answer, Connector, Send
from connectors.outcomes import Outcome, Reauthorize, Retry
from connectors.transport import Transport
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.words import Message
from gate.permit import AuthOrder
from tenants import notices

AGAIN = timedelta(minutes=1)
"""The least between two tries while the platform does not answer."""

MenuOf = Callable[[Capabilities], Menu]
"""What an account of a platform offers to choose from."""


def plan(scope: Scope) -> None:
    """Put a look at the menu of each account in which people write; one that waits already is not put twice."""
    for channel in reads.every_channel(scope):
        if channel.state == ChannelState.ACTIVE and channel.chat_surface:
            outbox.put(scope, MenuDue(scope.tenant_id, channel.id), dedupe=f"menu:{channel.id}")


def look(
    event: MenuDue, *, tenant: OpenScope, transport: Transport, connectors: Mapping[str, Connector], menu_of: MenuOf
) -> None:
    """Make what an account shows as it should be. Raises `outbox.Later` where it must be tried again."""
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        channel = reads.channel(scope, event.subject_id)
        connector = abilities.known(connectors, channel)
        if channel.state != ChannelState.ACTIVE or not channel.chat_surface or not isinstance(connector, OffersMenu):
            return
        waits, now = budgets.limit(scope, channel.id, brake=False), scope.now
    if waits is not None:
        raise outbox.Later(waits.until - now)
    menu = menu_of(connector.capabilities)

    def question(answers: tuple[Answer, ...]) -> Send | Outcome | None:
        return connector.inscribe(menu, answers)

    def order(_: str) -> AuthOrder:
        return AuthOrder(event.tenant_id, channel.id)

    end = question(asking.gather(channel, question, order, tenant=tenant, transport=transport))
    end = Retry(AGAIN, "account", Message("enrolment.endless")) if isinstance(end, Send) else end
    cause = f"channel:{channel.id}:menu"
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        if isinstance(end, Reauthorize):  # the account is told of, and looked at again once it is connected
            end = refreshing.weigh(scope, channel, end, shown=channel.generation)
        elif end is None:
            notices.settle(scope, cause)
        elif not isinstance(end, Retry):  # what people type is heard all the same
            told = Message("menu.refused", {"account": channel.name})
            notices.put(scope, told, cause=cause, creator_id=channel.creator_id)
    if isinstance(end, Retry):
        raise outbox.Later(max(end.after, AGAIN))
