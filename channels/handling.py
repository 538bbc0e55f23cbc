"""What the room's events do."""

from collections.abc import Mapping
from datetime import datetime

from channels import abilities, asking, budgets, reads
from channels.events import ChannelProbe
from channels.removing import remove
from connectors.contract import Connector, Send, Sought
from connectors.enrolment import Connectable
from connectors.transport import Transport
from foundation import outbox
from foundation.database import OpenScope
from gate.permit import ControlOrder

__all__ = ["gave_up", "probe", "remove"]


def probe(event: ChannelProbe, *, tenant: OpenScope, transport: Transport, connectors: Mapping[str, Connector]) -> None:
    """Read something harmless of a braked account; comes back, at growing distance, until the platform answers."""
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        channel = reads.channel(scope, event.subject_id)
        waits = budgets.limit(scope, channel.id, brake=False)
        braked = budgets.limit(scope, channel.id, brake=True)
        now = scope.now
    if waits is not None:
        raise outbox.Later(waits.until - now)
    if braked is None:
        return
    turn = _harmless(abilities.of(connectors, channel), channel.account, now) if not channel.left else None
    if turn is None:  # nor is one asked that a person took off: whoever puts it back must not find it braked
        with tenant(event.tenant_id, asking.ACTOR) as scope:
            budgets.release(scope, channel.id)
        return
    order = ControlOrder(event.tenant_id, channel.id, turn.step.action)
    answer = transport.send(turn.step, order, account=reads.account(channel))
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        budgets.note(scope, channel.id, answer, creates=False)
        braked, now = budgets.limit(scope, channel.id, brake=True), scope.now
    if braked is not None:
        raise outbox.Later(braked.until - now)


def gave_up(event: ChannelProbe, *, tenant: OpenScope) -> None:
    """Nothing of it could be asked, and nobody will ask again: the next post finds out."""
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        budgets.release(scope, event.subject_id)


def _harmless(connector: Connector, account: str, now: datetime) -> Send | None:
    """A look for what is not there, else what a test of the account asks; None where nothing can be read."""
    turn: object = connector.find(Sought("probe", "probe", now, account), ())
    if not isinstance(turn, Send) and isinstance(connector, Connectable):
        turn = connector.check(account, ())
    return turn if isinstance(turn, Send) else None
