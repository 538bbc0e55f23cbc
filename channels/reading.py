"""Reading back the numbers of a copy."""

from collections.abc import Mapping
from uuid import UUID

from channels import asking, budgets, reads
from connectors.contract import Answer, Connector, Copy, Send
from connectors.transport import Transport
from foundation.database import OpenScope
from gate.permit import ControlOrder


def read(
    tenant_id: UUID,
    channel_id: UUID,
    native_id: str,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
    chat: str = "",
) -> Mapping[str, int] | None:
    """The platform's counts of a copy by metric, or None when they cannot be had now. Raises NotFound.

    Not asked while the platform wants us to wait. Leaves no attempt: nothing is shown or taken away.
    """
    with tenant(tenant_id, asking.ACTOR) as scope:
        channel = reads.channel(scope, channel_id)
        if budgets.limit(scope, channel_id, brake=False) is not None:
            return None
    copy = Copy(native_id, channel.account, chat)
    connector = connectors[channel.platform]

    def question(answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        return connector.read(copy, answers)

    def order(action: str) -> ControlOrder:
        return ControlOrder(tenant_id, channel_id, action)

    end = question(asking.gather(channel, question, order, tenant=tenant, transport=transport))
    return None if isinstance(end, Send) else end
