"""Handlers of the events of sending."""

from collections.abc import Mapping
from datetime import datetime

from channels.accounts import account_connectors, queries
from channels.attempts import request_loop
from channels.limits import send_limits
from channels.sending.events import BrakeProbeDue, PermitVoidDue
from channels.sending.reconciliation import void_unsent_permit
from channels.sending.removal import remove_copy
from connectors.contract.account_setup import SupportsAccountSetup
from connectors.contract.connector import Connector, LookupQuery, Send
from connectors.transport.transport import Transport
from foundation.db.database import OpenScope
from foundation.outbox import outbox
from gate.contract.permit import ControlOrder

__all__ = ["give_up_probe", "probe_platform", "remove_copy", "void_permit"]


def probe_platform(
    event: BrakeProbeDue,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> None:
    """Send a harmless read request for a braked account.

    It is repeated with growing delays until the platform responds.
    """
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
    ):  # A disconnected account is not probed, and must not be braked when it is connected again.
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


def void_permit(event: PermitVoidDue, *, tenant: OpenScope) -> None:
    """Void the permit of an abandoned attempt that sent nothing. Safe to repeat."""
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        void_unsent_permit(scope, event.subject_id)


def give_up_probe(event: BrakeProbeDue, *, tenant: OpenScope) -> None:
    """Release the brake after the last failed probe: the next post tests the platform."""
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        send_limits.release_brake(scope, event.subject_id)


def _health_probe(connector: Connector, account: str, now: datetime) -> Send | None:
    """Return a lookup of a post that does not exist, else the verification request of the account,
    or None if neither is supported."""
    turn: object = connector.look_up(LookupQuery("probe", "probe", now, account), ())
    if not isinstance(turn, Send) and isinstance(connector, SupportsAccountSetup):
        turn = connector.verify_account(account, ())
    return turn if isinstance(turn, Send) else None
