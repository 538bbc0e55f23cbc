"""Requests of ids and amounts, and those that take away: one after the other until the connector has its answer."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from channels import attempts, budgets, reads
from channels.reads import Channel
from channels.states import ChannelState
from connectors.contract import Answer, Response, Send, StepNotSent, WireStep
from connectors.transport import Transport
from foundation.database import OpenScope
from gate.permit import Authority

ACTOR = "system:channels"
LOOK = "look"
MOST_REQUESTS = 20
"""Requests one question may take, pages of a listing included."""


def gather(
    channel: Channel,
    question: Callable[[tuple[Answer, ...]], object],
    authority: Callable[[str], Authority],
    *,
    tenant: OpenScope,
    transport: Transport,
    attempt_id: UUID | None = None,
    most: int = MOST_REQUESTS,
) -> tuple[Answer, ...]:
    """The answers a question of a connector took; asking it once more with them gives its end.

    Each request is written to the attempt, where there is one, before it leaves, and its answer as soon as it came;
    no transaction is open in between. `authority` makes the order for an action. A question without an end stops
    after `most` requests.
    """
    answers: tuple[Answer, ...] = ()
    for position in range(most):
        turn = question(answers)
        if not isinstance(turn, Send):
            break
        if channel.state == ChannelState.DISCONNECTED:  # nothing of it is held to ask with
            answers = (*answers, StepNotSent(turn.step.name, "disconnected"))
            continue
        if attempt_id is not None:
            with tenant(channel.tenant_id, ACTOR) as scope:
                attempts.add_step(scope, attempt_id, position, turn.step, None)
        answer = transport.send(turn.step, authority(turn.step.action), account=reads.account(channel))
        with tenant(channel.tenant_id, ACTOR) as scope:
            budgets.note(scope, channel.id, answer, creates=False)
            if attempt_id is not None:
                attempts.record(scope, attempt_id, position, _noted(turn.step, answer))
        answers = (*answers, answer)
    return answers


def _noted(step: WireStep, answer: Answer) -> Answer:
    """What is written down of an answer: of a look nothing but how it was answered, since lists show what others said,
    and what was seen in them is the attempt's outcome."""
    if step.action == LOOK and isinstance(answer, Response) and answer.ok:
        return replace(answer, body=None)
    return answer
