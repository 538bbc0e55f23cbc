"""Limits of accounts, read from their platforms: after connecting, once a week, before a post if
they are stale, and at once if the platform refused a post for an unknown limit.

If they cannot be read, the earlier limits apply, else the defaults of the platform. The next
occasion tries again.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.attempts import request_loop
from channels.connections.events import PlatformLimitsDue, TenantLimitsDue
from channels.limits import send_limits
from connectors.contract.capability_overrides import SupportsOwnLimits
from connectors.contract.connector import Connector, Send, StepResult
from connectors.transport.transport import Transport
from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.outbox import outbox
from gate.contract.permit import ControlOrder


def request_limits(scope: Scope, channel_id: UUID) -> None:
    """Request the limits of an account now. A repeated request is merged."""
    outbox.put(scope, PlatformLimitsDue(scope.tenant_id, channel_id), dedupe=f"limits:{channel_id}")


def request_limits_if_stale(
    scope: Scope, channel: Channel, connectors: Mapping[str, Connector]
) -> None:
    """Request the limits of an account if they are stale."""
    usable = channel.state in (ChannelState.ACTIVE, ChannelState.PAUSED)
    if usable and account_connectors.is_limits_stale(
        account_connectors.find_connector_for(connectors, channel), channel, scope.now
    ):
        request_limits(scope, channel.id)


def plan_limit_reads(
    event: TenantLimitsDue, *, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    """Request the stale limits of all accounts of a tenant."""
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        for channel in queries.list_channels(scope):
            request_limits_if_stale(scope, channel, connectors)


def read_platform_limits(
    event: PlatformLimitsDue,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> None:
    """Read and store the limits of an account. Raises `outbox.RetryLater` while the account is
    blocked."""
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, event.subject_id)
        waits = send_limits.send_block(scope, channel.id, brake=True)
        now = scope.now
    connector = account_connectors.find_connector_for(connectors, channel)
    if not isinstance(connector, SupportsOwnLimits):
        return
    if waits is not None:
        raise outbox.RetryLater(waits.until - now)

    def question(answers: tuple[StepResult, ...]) -> Send | Mapping[str, Any] | None:
        return connector.read_own_limits(answers)

    def order(action: str) -> ControlOrder:
        return ControlOrder(event.tenant_id, channel.id, action)

    end = question(
        request_loop.run_requests(channel, question, order, tenant=tenant, transport=transport)
    )
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        found = (
            account_connectors.limits_option(end, scope.now) if isinstance(end, Mapping) else None
        )
        told = (
            found[account_connectors.LIMITS_OPTION]
            if found is not None
            else {"asked": scope.now.isoformat()}
        )
        scope.run(
            "UPDATE channels SET options = options || jsonb_build_object(CAST(:name AS text),"
            " COALESCE(options -> CAST(:name AS text), CAST('{}' AS jsonb)) || CAST(:told AS "
            "jsonb)),"
            " updated_at = house_now() WHERE tenant_id = :tenant AND id = :id",
            tenant=scope.tenant_id,
            id=channel.id,
            name=account_connectors.LIMITS_OPTION,
            told=canonical_json(told).decode(),
        )
