"""Platforms where the words of what stands can be changed: what a connector says for it, and what they share."""

from typing import Protocol, runtime_checkable

from connectors.answers import meaning
from connectors.contract import Answer, Response, Send
from connectors.outcomes import Outcome, Published, Rejected
from foundation.words import Message
from gate.units import Unit

EDIT = "edit"
"""What the one request is called that changes the words."""

LOOK = "look:media"
"""What a request is called that asks beforehand which media lie there, so that the change keeps them."""

GONE = "connectors.edit_gone"
"""The reason of a refusal because nothing stands there any more."""


@runtime_checkable
class Edits(Protocol):
    """A platform where the words of what stands can be changed (`Capabilities.edits`)."""

    def edit(self, unit: Unit, native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
        """The next request that makes the copy under `native_id` say what `unit` says, or what came of it.

        Looks (kind control) may come before; one request of kind mutate, called `EDIT`, changes the words and nothing
        else: the media of `unit` are those that stand there. `Published` with its native id: it says so now, also where
        it did before. The same again changes nothing, so a lost answer is a Retry, never a doubt. Rejected: this
        request changed nothing. What is gone stays gone.
        """
        ...


def changed(answer: Answer, native_id: str, *, gone: frozenset[int] = frozenset({404, 410})) -> Outcome:
    """What the answer to a change, or to the look before it, meant on a platform that keeps to HTTP: `Published` for a
    success, a refusal for a copy that is `gone` (by status)."""
    if isinstance(answer, Response) and answer.ok:
        return Published(native_id)
    if isinstance(answer, Response) and answer.status in gone:
        return Rejected(Message(GONE), permanent=True)
    return meaning(answer, creates=False)
