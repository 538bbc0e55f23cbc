"""A look at what people said that takes several requests, written as one function that asks and goes on. Pure."""

from collections.abc import Generator, Sequence

from connectors.contract import Answer, News, Send, WireStep
from connectors.outcomes import Outcome

Poll = Generator[WireStep, Answer, News | Outcome]
"""Yields the next request, is sent its answer, returns what came of all."""


def resume(poll: Poll, answers: Sequence[Answer]) -> Send | News | Outcome:
    """The request after these answers, or what the poll came to; it begins anew each time."""
    try:
        step = next(poll)
        for answer in answers:
            step = poll.send(answer)
    except StopIteration as end:
        told: News | Outcome = end.value
        return told
    return Send(step)
