"""A look at what people said that takes several requests, written as one function that asks and
goes on. Pure."""

from collections.abc import Generator, Sequence

from connectors.contract.chats import ChatUpdates
from connectors.contract.connector import Send, StepResult, WireStep
from connectors.contract.outcomes import Outcome

PollGenerator = Generator[WireStep, StepResult, ChatUpdates | Outcome]
"""Yields the next request, is sent its answer, returns what came of all."""


def resume_poll(poll: PollGenerator, answers: Sequence[StepResult]) -> Send | ChatUpdates | Outcome:
    """The request after these answers, or what the poll came to; it begins anew each time."""
    try:
        step = next(poll)
        for answer in answers:
            step = poll.send(answer)
    except StopIteration as end:
        told: ChatUpdates | Outcome = end.value
        return told
    return Send(step)
