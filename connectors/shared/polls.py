"""Polls for chat updates that need several requests, written as one generator."""

from collections.abc import Generator, Sequence

from connectors.contract.chats import ChatUpdates
from connectors.contract.connector import Send, StepResult, WireStep
from connectors.contract.outcomes import Outcome

PollGenerator = Generator[WireStep, StepResult, ChatUpdates | Outcome]
"""Yields requests, receives their answers and returns the result."""


def resume_poll(poll: PollGenerator, answers: Sequence[StepResult]) -> Send | ChatUpdates | Outcome:
    """Return the request after these answers, or the result of the poll. The generator runs from
    the start each time."""
    try:
        step = next(poll)
        for answer in answers:
            step = poll.send(answer)
    except StopIteration as end:
        told: ChatUpdates | Outcome = end.value
        return told
    return Send(step)
