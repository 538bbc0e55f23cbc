"""Platforms where the words of what stands can be changed: what a connector says for it, and what they share."""

from typing import Protocol, runtime_checkable

from connectors.contract.connector import Response, Send, StepResult
from connectors.contract.outcomes import Outcome, Published, Rejected
from connectors.shared.http_responses import outcome_of_status
from foundation.i18n.translation import Message
from gate.contract.units import Unit

EDIT_STEP = "edit"
"""What the one request is called that changes the words."""

EDIT_LOOKUP_ACTION = "look:media"
"""What a request is called that asks beforehand which media lie there, so that the change keeps them."""

EDITED_POST_GONE = "connectors.edit_gone"
"""The reason of a refusal because nothing stands there any more."""


@runtime_checkable
class SupportsEdits(Protocol):
    """A platform where the words of what stands can be changed (`Capabilities.edits`)."""

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """The next request that makes the copy under `native_id` say what `unit` says, or what came of it.

        Looks (kind control) may come before; one request of kind mutate, called `EDIT`, changes the words and nothing
        else: the media of `unit` are those that stand there. `Published` with its native id: it says so now, also where
        it did before. The same again changes nothing, so a lost answer is a Retry, never a doubt. Rejected: this
        request changed nothing. What is gone stays gone.
        """
        ...


def edit_outcome(answer: StepResult, native_id: str, *, gone: frozenset[int] = frozenset({404, 410})) -> Outcome:
    """What the answer to a change, or to the look before it, meant on a platform that keeps to HTTP: `Published` for a
    success, a refusal for a copy that is `gone` (by status)."""
    if isinstance(answer, Response) and answer.is_success:
        return Published(native_id)
    if isinstance(answer, Response) and answer.status in gone:
        return Rejected(Message(EDITED_POST_GONE), permanent=True)
    return outcome_of_status(answer, creates=False)
