"""States of an edit of a published post."""

from enum import StrEnum

from foundation.state_graphs import StateDeadline, StateGraph
from schedules.posts.states import ACT_TIMEOUT, TIMEOUT_MARGIN


class EditState(StrEnum):
    """The state of an edit."""

    WAITING = "waiting"  # pending approval
    DUE = "due"  # sent as soon as possible
    # The permit is consumed. Editing twice has the same result, so a lost response is retried.
    SENDING = "sending"
    DONE = "done"
    REFUSED = "refused"  # the old text is still published
    # either text may be published: only a member or another edit may end this state
    UNSURE = "unsure"
    DROPPED = "dropped"  # not wanted any more, or nothing to change


EDIT_STATES = StateGraph(
    initial=EditState.WAITING,
    edges={
        EditState.WAITING: {EditState.DUE, EditState.REFUSED, EditState.DROPPED},
        EditState.DUE: {
            EditState.SENDING,
            EditState.WAITING,
            EditState.REFUSED,
            EditState.UNSURE,
            EditState.DROPPED,
        },
        EditState.SENDING: {
            EditState.DONE,
            EditState.DUE,
            EditState.REFUSED,
            EditState.UNSURE,
            EditState.DROPPED,
        },
        EditState.REFUSED: {EditState.DUE, EditState.DROPPED},
        EditState.UNSURE: {EditState.DONE, EditState.DUE, EditState.REFUSED, EditState.DROPPED},
    },
    deadlines={
        EditState.SENDING: StateDeadline(ACT_TIMEOUT + TIMEOUT_MARGIN, then=EditState.DUE)
    },  # the worker crashed during the request
)


OPEN_EDITS = (
    EditState.WAITING,
    EditState.DUE,
    EditState.SENDING,
    EditState.REFUSED,
    EditState.UNSURE,
)
"""States in which the published text differs, or may differ, from that of the post. A delivery has
at most one such edit."""


EDITS_NEEDING_DECISION = frozenset({EditState.REFUSED, EditState.UNSURE})
