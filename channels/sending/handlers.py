"""What the room's events do."""

from collections.abc import Mapping
from datetime import datetime

from channels.accounts import account_connectors, queries
from channels.attempts import request_loop
from channels.limits import send_limits
from channels.sending.events import BrakeProbeDue
from channels.sending.removal import remove_copy
from connectors.contract.account_setup import SupportsAccountSetup
from connectors.contract.connector import Connector, LookupQuery, Send
from connectors.transport.transport import Transport
from foundation.db.database import OpenScope
from foundation.outbox import outbox
from gate.contract.permit import ControlOrder

__all__ = ["give_up_probe", "probe_platform", "remove_copy"]


def probe_platform(
    event: BrakeProbeDue,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> None:
    """Read something harmless of a braked account; comes back, at growing distance, until the
    platform answers."""
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, event.subject_id)
        waits = send_limits.send_block(scope, channel.id, brake=False)
        braked = send_limits.send_block(scope, channel.id, brake=True, writes=False)
        now = scope.now
    if waits is not None:
        raise outbox.RetryLater(waits.until - now)
    if braked is None:
        return
    turn = (
        _health_probe(account_connectors.connector_for(connectors, channel), channel.account, now)
        if not channel.is_disconnected
        else None
    )
    if (
        turn is None
    ):  # nor is one asked that a person took off: whoever puts it back must not find it braked
        with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
            send_limits.release_brake(scope, channel.id)
        return
    order = ControlOrder(event.tenant_id, channel.id, turn.step.action)
    answer = transport.send(turn.step, order, account=queries.transport_account(channel))
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        send_limits.record_answer(scope, channel.id, answer, creates=False)
        braked = send_limits.send_block(scope, channel.id, brake=True, writes=False)
        now = scope.now
    if braked is not None:
        raise outbox.RetryLater(braked.until - now)


def give_up_probe(event: BrakeProbeDue, *, tenant: OpenScope) -> None:
    """Nothing of it could be asked, and nobody will ask again: the next post finds out."""
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        send_limits.release_brake(scope, event.subject_id)


def _health_probe(connector: Connector, account: str, now: datetime) -> Send | None:
    """A look for what is not there, else what a test of the account asks; None where nothing can be
    read."""
    turn: object = connector.look_up(LookupQuery("probe", "probe", now, account), ())
    if not isinstance(turn, Send) and isinstance(connector, SupportsAccountSetup):
        turn = connector.verify_account(account, ())
    return turn if isinstance(turn, Send) else None
