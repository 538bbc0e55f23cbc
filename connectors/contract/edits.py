"""Platforms where the words of what stands can be changed: what a connector says for it, and what
they share."""

from typing import Protocol, runtime_checkable

from connectors.contract.connector import Send, StepResult
from connectors.contract.outcomes import Outcome
from gate.contract.units import Unit

EDIT_STEP = "edit"
"""What the one request is called that changes the words."""

EDIT_LOOKUP_ACTION = "look:media"
"""What a request is called that asks beforehand which media lie there, so that the change keeps
them."""

EDITED_POST_GONE = "connectors.edit_gone"
"""The reason of a refusal because nothing stands there any more."""


@runtime_checkable
class SupportsEdits(Protocol):
    """A platform where the words of what stands can be changed (`Capabilities.edits`)."""

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """The next request that makes the copy under `native_id` say what `unit` says, or what came
        of it.

        Looks (kind control) may come before; one request of kind mutate, called `EDIT`, changes the
        words and nothing else: the media of `unit` are those that stand there. `Published` with its
        native id: it says so now, also where it did before. The same again changes nothing, so a
        lost answer is a Retry, never a doubt. Rejected: this request changed nothing. What is gone
        stays gone.
        """
        ...
