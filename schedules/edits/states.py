"""States of an edit of a published post."""

from enum import StrEnum

from foundation.state_graphs import StateDeadline, StateGraph
from schedules.posts.states import ACT_TIMEOUT, TIMEOUT_MARGIN


class EditState(StrEnum):
    """Where other words for a post that stands outside are."""

    WAITING = "waiting"  # for a yes
    DUE = "due"  # it leaves as soon as it may
    # permit consumed: the same again changes nothing, so a lost answer is asked for once more
    SENDING = "sending"
    DONE = "done"
    REFUSED = "refused"  # what stood there stands there still
    UNSURE = "unsure"  # either words may stand: only a person, or other words, may leave this state
    DROPPED = "dropped"  # nobody wants it any more, or there is nothing to change


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
    },  # a crash in mid-call
)


OPEN_EDITS = (
    EditState.WAITING,
    EditState.DUE,
    EditState.SENDING,
    EditState.REFUSED,
    EditState.UNSURE,
)
"""States in which a post does not say, or may not say, outside what it says here; one such edit per
delivery."""


EDITS_NEEDING_DECISION = frozenset({EditState.REFUSED, EditState.UNSURE})
