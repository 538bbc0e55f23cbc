"""Requests without content (reads, removals, IDs and amounts), sent one after the other until the
connector has its result."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.attempts import attempts
from channels.limits import send_limits
from connectors.contract.connector import Response, Send, StepNotSent, StepResult, WireStep
from connectors.transport.transport import Transport
from foundation.db.database import OpenScope
from gate.contract.permit import Authority

CHANNELS_ACTOR = "system:channels"
LOOKUP_KIND = "look"
MAX_REQUESTS = 20
"""Maximum number of requests of one operation, including the pages of a listing."""


def run_requests(
    channel: Channel,
    question: Callable[[tuple[StepResult, ...]], object],
    authority: Callable[[str], Authority],
    *,
    tenant: OpenScope,
    transport: Transport,
    attempt_id: UUID | None = None,
    most: int = MAX_REQUESTS,
) -> tuple[StepResult, ...]:
    """Send the requests of a connector's operation and return their responses. Calling `question`
    again with them returns its result.

    Each request is recorded in the attempt, if there is one, before it is sent, and its response as
    soon as it is received; no transaction is open in between. `authority` returns the order for an
    action. An operation without a result stops after `most` requests.
    """
    answers: tuple[StepResult, ...] = ()
    for position in range(most):
        turn = question(answers)
        if not isinstance(turn, Send):
            break
        if channel.state == ChannelState.DISCONNECTED:  # its credentials are deleted
            answers = (*answers, StepNotSent(turn.step.name, "disconnected"))
            continue
        if attempt_id is not None:
            with tenant(channel.tenant_id, CHANNELS_ACTOR) as scope:
                attempts.add_step(scope, attempt_id, position, turn.step, None)
        answer = transport.send(
            turn.step, authority(turn.step.action), account=queries.transport_account(channel)
        )
        with tenant(channel.tenant_id, CHANNELS_ACTOR) as scope:
            send_limits.record_answer(scope, channel.id, answer, creates=False)
            if attempt_id is not None:
                attempts.record_answer(
                    scope, attempt_id, position, _redact_lookup_answer(turn.step, answer)
                )
        answers = (*answers, answer)
    return answers


def _redact_lookup_answer(step: WireStep, answer: StepResult) -> StepResult:
    """Remove the body of a successful lookup response: listings contain content of others, and the
    outcome records the result."""
    if step.action == LOOKUP_KIND and isinstance(answer, Response) and answer.is_success:
        return replace(answer, body=None)
    return answer
