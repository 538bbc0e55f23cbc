"""Reading what an account may do on its platform: when it is connected, every week, ahead of a post where that is long
ago, and at once where the platform refused for a limit that we did not know.

Where it cannot be read, what was known holds, and else what is usual there; it is tried again with the next reason to.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from channels import abilities, asking, budgets, reads
from channels.events import ChannelMeasure, LimitsDue
from channels.reads import Channel
from channels.states import ChannelState
from connectors.contract import Answer, Connector, Send
from connectors.transport import Transport
from connectors.varying import Varies
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.words import canonical
from gate.permit import ControlOrder


def ask(scope: Scope, channel_id: UUID) -> None:
    """Have an account's limits read now; asked twice at once, they are read once."""
    outbox.put(scope, ChannelMeasure(scope.tenant_id, channel_id), dedupe=f"limits:{channel_id}")


def refresh(scope: Scope, channel: Channel, connectors: Mapping[str, Connector]) -> None:
    """Have them read where what is known is no longer fresh."""
    usable = channel.state in (ChannelState.ACTIVE, ChannelState.PAUSED)
    if usable and abilities.stale(abilities.known(connectors, channel), channel, scope.now):
        ask(scope, channel.id)


def plan(event: LimitsDue, *, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    """Have the limits of every account of a tenant read that are due."""
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        for channel in reads.every_channel(scope):
            refresh(scope, channel, connectors)


def measure(
    event: ChannelMeasure, *, tenant: OpenScope, transport: Transport, connectors: Mapping[str, Connector]
) -> None:
    """Ask the platform and keep what it says. Raises `outbox.Later` while it takes no requests of ours."""
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        channel = reads.channel(scope, event.subject_id)
        waits, now = budgets.limit(scope, channel.id, brake=True), scope.now
    connector = abilities.known(connectors, channel)
    if not isinstance(connector, Varies):
        return
    if waits is not None:
        raise outbox.Later(waits.until - now)

    def question(answers: tuple[Answer, ...]) -> Send | Mapping[str, Any] | None:
        return connector.own_limits(answers)

    def order(action: str) -> ControlOrder:
        return ControlOrder(event.tenant_id, channel.id, action)

    end = question(asking.gather(channel, question, order, tenant=tenant, transport=transport))
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        found = abilities.kept(end, scope.now) if isinstance(end, Mapping) else None
        told = found[abilities.LIMITS] if found is not None else {"asked": scope.now.isoformat()}
        scope.run(
            "UPDATE channels SET options = options || jsonb_build_object(CAST(:name AS text),"
            " COALESCE(options -> CAST(:name AS text), CAST('{}' AS jsonb)) || CAST(:told AS jsonb)),"
            " updated_at = house_now() WHERE tenant_id = :tenant AND id = :id",
            tenant=scope.tenant_id,
            id=channel.id,
            name=abilities.LIMITS,
            told=canonical(told).decode(),
        )
