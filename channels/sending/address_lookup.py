"""Verification of post URLs that members enter: the platform confirms what a URL refers to."""

from collections.abc import Mapping
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.attempts import attempts, request_loop, serialization
from channels.limits import send_limits
from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.outcomes import Failed, Found, LookupResult, Unknown
from connectors.contract.post_addresses import (
    ADDRESS_UNREADABLE,
    ClaimedAddress,
    SupportsAddressLookup,
)
from connectors.transport.transport import Transport
from foundation.db.database import OpenScope
from foundation.i18n.translation import Message
from gate.contract.permit import ControlOrder
from gate.contract.units import Subject


def look_up_address(
    tenant_id: UUID,
    channel_id: UUID,
    subject: Subject,
    url: str,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
    part: int = 0,
) -> LookupResult:
    """Return the post of an account that a URL refers to, for a part of a subject that was sent
    there. Raises NotFound.

    Found is a post of this account, as far as the platform reports; Absent and Failed explain why
    it is not; Unknown means that the platform cannot be reached now. No transaction is open during
    requests. No attempt is recorded, because the result proves nothing about our own requests.
    """
    with tenant(tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, channel_id)
        waits = send_limits.send_block(scope, channel_id, brake=False)
        sent = attempts.list_attempts(scope, subject, part, ("send",))
    connector = account_connectors.connector_for(connectors, channel)
    if not isinstance(
        connector, SupportsAddressLookup
    ):  # a third-party platform without such lookups
        return Failed(Message("naming.unable"))
    if waits is not None:
        return Unknown(waits.reason)
    media = len(serialization.unit_from_json(sent[-1].unit).media) if sent else 0
    address = ClaimedAddress(url, channel.account, channel.destination_id, media)

    def ask(answers: tuple[StepResult, ...]) -> Send | LookupResult:
        return connector.resolve_address(address, answers)

    def order(action: str) -> ControlOrder:
        return ControlOrder(tenant_id, channel.id, action)

    end = ask(request_loop.run_requests(channel, ask, order, tenant=tenant, transport=transport))
    if isinstance(end, Send) or (isinstance(end, Found) and not end.native_id):
        return ADDRESS_UNREADABLE
    return end
