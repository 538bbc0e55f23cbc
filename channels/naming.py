"""What the address of a post names: asked of its platform, before anybody's word about it is believed."""

from collections.abc import Mapping
from uuid import UUID

from channels import abilities, asking, attempts, budgets, reads, storing
from connectors.contract import Answer, Connector, Send
from connectors.naming import UNREAD, Address, Names
from connectors.outcomes import Failed, Found, Sighting, Unknown
from connectors.transport import Transport
from foundation.database import OpenScope
from foundation.words import Message
from gate.permit import ControlOrder
from gate.units import Subject


def look(
    tenant_id: UUID,
    channel_id: UUID,
    subject: Subject,
    url: str,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
    part: int = 0,
) -> Sighting:
    """Which post of an account stands at an address, for a part of a subject that was sent there. Raises NotFound.

    Found is this account's and there, as far as the platform tells; Absent and Failed say why it is none; Unknown that
    nobody could be asked now. No transaction is open while the platform is asked. Leaves no attempt: it is a question
    about what a person said, and proves nothing of what we sent.
    """
    with tenant(tenant_id, asking.ACTOR) as scope:
        channel = reads.channel(scope, channel_id)
        waits = budgets.limit(scope, channel_id, brake=False)
        sent = attempts.of(scope, subject, part, ("send",))
    connector = abilities.of(connectors, channel)
    if not isinstance(connector, Names):  # a platform of others, which says nothing of addresses
        return Failed(Message("naming.unable"))
    if waits is not None:
        return Unknown(waits.reason)
    media = len(storing.unit_from_json(sent[-1].unit).media) if sent else 0
    address = Address(url, channel.account, channel.destination, media)

    def ask(answers: tuple[Answer, ...]) -> Send | Sighting:
        return connector.named(address, answers)

    def order(action: str) -> ControlOrder:
        return ControlOrder(tenant_id, channel.id, action)

    end = ask(asking.gather(channel, ask, order, tenant=tenant, transport=transport))
    if isinstance(end, Send) or (isinstance(end, Found) and not end.native_id):
        return UNREAD
    return end
