"""Acting with ids and amounts alone: a checkout's yes, money given back."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from channels import abilities, asking, attempts, reads, storing
from channels.reads import Channel
from channels.states import ChannelState
from connectors.answers import SHORT_WAIT
from connectors.contract import Answer, ChatConnector, Send, StepNotSent, WireStep
from connectors.outcomes import Outcome, Rejected, Retry
from connectors.selling import Subscribes
from connectors.transport import Transport
from foundation.database import OpenScope
from foundation.words import Message
from gate.permit import ControlOrder
from gate.units import Subject

ACT = timedelta(seconds=60)

Seen = Callable[[ChatConnector, tuple[Answer, ...]], Send | Outcome | None]
"""Looks whether a refund took effect; None when it did not, as far as anybody can see."""


def send(channel: Channel, step: WireStep, *, transport: Transport) -> Answer:
    """Send one control step of an account at once; opens no transaction. Raises EgressForbidden."""
    if channel.state == ChannelState.DISCONNECTED:  # nothing of it is held to ask with
        return StepNotSent(step.name, "disconnected")
    order = ControlOrder(channel.tenant_id, channel.id, step.action)
    return transport.send(step, order, account=reads.account(channel))


def refund(
    tenant_id: UUID,
    subject: Subject,
    channel_id: UUID,
    step: Callable[[ChatConnector], WireStep],
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, ChatConnector],
    seen: Seen | None = None,
) -> Outcome:
    """Give money back and keep the answer as an attempt of `subject`.

    `step` takes the request from the connector: `lambda rail: rail.refund(charge, fan, minor, currency)`. Where the
    answer to an earlier try was lost, `seen` looks first: `lambda rail, answers: rail.refund_seen(charge, answers)`.
    What was given back already is a success; `Published` means the money is back.
    """
    with tenant(tenant_id, asking.ACTOR) as scope:
        channel = reads.channel(scope, channel_id)
        doubtful = any(row.outcome in (None, "uncertain") for row in attempts.of(scope, subject, None, ("refund",)))
        attempt_id = attempts.begin(
            scope, channel_id=channel_id, subject=subject, kind="refund", deadline=scope.now + ACT
        )
    connector = abilities.of(connectors, channel)

    request = step(connector)

    def question(answers: tuple[Answer, ...]) -> Send | Outcome:
        if answers and answers[-1].step == request.name:
            return connector.refunded(answers[-1])
        looked = seen(connector, answers) if seen is not None and doubtful else None
        return looked if looked is not None else Send(request)

    def order(action: str) -> ControlOrder:
        return ControlOrder(tenant_id, channel_id, action)

    answers = asking.gather(channel, question, order, tenant=tenant, transport=transport, attempt_id=attempt_id)
    end = question(answers)
    outcome = Retry(SHORT_WAIT, "account", Message("attempt.not_proven")) if isinstance(end, Send) else end
    with tenant(tenant_id, asking.ACTOR) as scope:
        name, result = storing.outcome_name(outcome), storing.outcome_to_json(outcome)
        attempts.finish(scope, attempt_id, name, result, storing.reason_of(outcome))
    return outcome


def stop_renewal(
    tenant_id: UUID,
    channel_id: UUID,
    user: str,
    charge_id: str,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, ChatConnector],
) -> Outcome:
    """Have a platform take no further month of a subscription; `Published` once it takes none.

    Asked twice is once, so a lost answer is asked for again. Raises NotFound.
    """
    with tenant(tenant_id, asking.ACTOR) as scope:
        channel = reads.channel(scope, channel_id)
    connector = abilities.of(connectors, channel)
    if not isinstance(connector, Subscribes):
        return Rejected(Message("subscription.not_here"), permanent=True)
    return connector.renewal_stopped(send(channel, connector.stop_renewal(user, charge_id), transport=transport))
