"""Control requests of accounts with IDs and amounts only: checkout confirmations, refunds and
ending subscriptions."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.attempts import attempts, request_loop, serialization
from connectors.contract.chats import ChatConnector
from connectors.contract.connector import Send, StepNotSent, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Rejected, Retry
from connectors.contract.payments import SupportsRenewalStop
from connectors.shared.http_responses import SHORT_RETRY
from connectors.transport.transport import Transport
from foundation.db.database import OpenScope
from foundation.i18n.translation import Message
from gate.contract.permit import ControlOrder
from gate.contract.units import Subject

ACT = timedelta(seconds=60)

LookUpRefund = Callable[[ChatConnector, tuple[StepResult, ...]], Send | Outcome | None]
"""Looks up a refund. Returns None if it did not take effect, as far as the platform shows."""


def send_control_step(channel: Channel, step: WireStep, *, transport: Transport) -> StepResult:
    """Send one control step of an account. Opens no transaction. Raises EgressForbidden."""
    if channel.state == ChannelState.DISCONNECTED:  # its credentials are deleted
        return StepNotSent(step.name, "disconnected")
    order = ControlOrder(channel.tenant_id, channel.id, step.action)
    return transport.send(step, order, account=queries.transport_account(channel))


def refund_payment(
    tenant_id: UUID,
    subject: Subject,
    channel_id: UUID,
    step: Callable[[ChatConnector], WireStep],
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, ChatConnector],
    seen: LookUpRefund | None = None,
) -> Outcome:
    """Refund a payment and record the response as an attempt of `subject`.

    `step` builds the request: `lambda rail: rail.refund(charge, fan, minor, currency)`. If the
    response to an earlier try was lost, `seen` looks the refund up first: `lambda rail, answers:
    rail.look_up_refund(charge, answers)`. A payment that was refunded already counts as a success;
    `Published` means that it is refunded.
    """
    with tenant(tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, channel_id)
        doubtful = any(
            row.outcome in (None, "uncertain")
            for row in attempts.list_attempts(scope, subject, None, ("refund",))
        )
        attempt_id = attempts.begin_attempt(
            scope, channel_id=channel_id, subject=subject, kind="refund", deadline=scope.now + ACT
        )
    connector = account_connectors.connector_for(connectors, channel)

    request = step(connector)

    def question(answers: tuple[StepResult, ...]) -> Send | Outcome:
        if answers and answers[-1].step == request.name:
            return connector.refund_outcome(answers[-1])
        looked = seen(connector, answers) if seen is not None and doubtful else None
        return looked if looked is not None else Send(request)

    def order(action: str) -> ControlOrder:
        return ControlOrder(tenant_id, channel_id, action)

    answers = request_loop.run_requests(
        channel, question, order, tenant=tenant, transport=transport, attempt_id=attempt_id
    )
    end = question(answers)
    outcome = (
        Retry(SHORT_RETRY, "account", Message("attempt.not_proven"))
        if isinstance(end, Send)
        else end
    )
    with tenant(tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        name = serialization.outcome_name(outcome)
        result = serialization.outcome_to_json(outcome)
        attempts.finish_attempt(
            scope, attempt_id, name, result, serialization.outcome_reason(outcome)
        )
    return outcome


def stop_subscription_renewal(
    tenant_id: UUID,
    channel_id: UUID,
    user: str,
    charge_id: str,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, ChatConnector],
) -> Outcome:
    """End the renewal of a subscription at its platform. Return `Published` once it is ended.

    The request is idempotent, so it is sent again after a lost response. Raises NotFound.
    """
    with tenant(tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, channel_id)
    connector = account_connectors.connector_for(connectors, channel)
    if not isinstance(connector, SupportsRenewalStop):
        return Rejected(Message("subscription.not_here"), permanent=True)
    return connector.renewal_stop_outcome(
        send_control_step(channel, connector.stop_renewal(user, charge_id), transport=transport)
    )
