"""Edits of published posts: the protocol and the names shared by connectors."""

from typing import Protocol, runtime_checkable

from connectors.contract.connector import Send, StepResult
from connectors.contract.outcomes import Outcome
from gate.contract.units import Unit

EDIT_STEP = "edit"
"""Name of the single request that changes the text."""

EDIT_LOOKUP_ACTION = "look:media"
"""Action of a request that first reads the media of the post, so that the edit retains them."""

EDITED_POST_GONE = "connectors.edit_gone"
"""Message code of a refusal because the post no longer exists."""


@runtime_checkable
class SupportsEdits(Protocol):
    """A platform where the text of a published post can be changed (`Capabilities.edits`)."""

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Return the next request that changes the copy `native_id` to the text of `unit`, or the
        outcome.

        Look-ups (kind control) may precede it. One request of kind mutate, named `EDIT_STEP`,
        changes the text only; the media of `unit` are those already published. `Published` with its
        native ID means that the copy has the text, possibly since before. The request is
        idempotent, so a lost answer is a Retry, never Uncertain. Rejected means that this request
        changed nothing. A deleted post is not published again.
        """
        ...
