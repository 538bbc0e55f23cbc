"""Requests of ids and amounts, and those that take away: one after the other until the connector
has its answer."""

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
"""Requests one question may take, pages of a listing included."""


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
    """The answers a question of a connector took; asking it once more with them gives its end.

    Each request is written to the attempt, where there is one, before it leaves, and its answer as
    soon as it came; no transaction is open in between. `authority` makes the order for an action. A
    question without an end stops after `most` requests.
    """
    answers: tuple[StepResult, ...] = ()
    for position in range(most):
        turn = question(answers)
        if not isinstance(turn, Send):
            break
        if channel.state == ChannelState.DISCONNECTED:  # nothing of it is held to ask with
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
    """What is written down of an answer: of a look nothing but how it was answered, since lists
    show what others said, and what was seen in them is the attempt's outcome."""
    if step.action == LOOKUP_KIND and isinstance(answer, Response) and answer.is_success:
        return replace(answer, body=None)
    return answer
