"""The states of a delivery, as data: code, tests and pages read the same graph."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from foundation.state_graphs import StateDeadline, StateGraph

ACT_TIMEOUT = timedelta(seconds=30)
"""Total wall time of one act; the deadline of a claim is this plus a margin for its commit."""

STAGE_TIMEOUT = timedelta(minutes=5)
"""Total wall time of all uploads of a delivery, ahead of its time."""

TIMEOUT_MARGIN = timedelta(seconds=20)
"""From a claim's deadline to the look that finds out what happened."""

WAITS_FOR_MANUAL_POSTING = "delivery.handed_over"
"""The reason of a delivery that a person posts: nothing is polled, and after a week somebody is asked."""


class DeliveryState(StrEnum):
    """Where one post on one channel stands."""

    DRAFT, APPROVED, SCHEDULED, HELD = "draft", "approved", "scheduled", "held"
    PUBLISHING = "publishing"  # permit consumed and committed before the call: a resend may duplicate
    PROCESSING = "processing"  # accepted: polled, or waited for, never sent again
    UNCERTAIN = "uncertain"  # sent, no answer: only reconciling or a person may leave this state
    PUBLISHED, FAILED, CANCELLED = "published", "failed", "cancelled"
    PARTLY = "partly"  # parts of a thread stand outside, and the next one follows by itself
    BROKEN_OFF = "broken_off"  # parts stand outside, and the rest waits for a person
    REMOVING, REMOVED = "removing", "removed"
    REHEARSED = "rehearsed"  # its time came in a rehearsal: nothing was sent, and nothing ever will be


S = DeliveryState
NEEDS_DECISION = frozenset({S.HELD, S.FAILED, S.UNCERTAIN, S.BROKEN_OFF})
"""States in which a delivery waits for somebody's decision."""

FINAL_STATES = frozenset({S.PUBLISHED, S.CANCELLED, S.REMOVING, S.REMOVED, S.REHEARSED})
"""States from which none leads back: nothing of such a delivery is planned, approved or moved any more."""

PENDING_STATES = frozenset({S.DRAFT, S.APPROVED, S.SCHEDULED})
"""States of a delivery that nobody has to decide on and that has not left."""

CANCELLABLE = PENDING_STATES | {S.HELD, S.FAILED}
"""States in which nothing of a delivery is outside, nor may be: it may be rewritten, or taken off the calendar."""

CANCEL_REFUSALS: Mapping[S, str] = {
    **dict.fromkeys((S.PUBLISHING, S.PROCESSING), "delivery.on_its_way"),
    S.UNCERTAIN: "delivery.maybe_online",
    **dict.fromkeys((S.PUBLISHED, S.PARTLY, S.BROKEN_OFF), "delivery.is_online"),
    **dict.fromkeys((S.CANCELLED, S.REMOVING, S.REMOVED, S.REHEARSED), "delivery.nothing_left"),
}
"""Why any other delivery is not taken off the calendar, and what is done instead."""

LEFT_UNCERTAIN = "delivery.left_in_doubt"
"""Why one was cancelled that may be outside all the same."""

SCHEDULABLE = frozenset({S.SCHEDULED, S.HELD, S.FAILED, S.BROKEN_OFF})
"""States in which a person may give a delivery a time to leave. A publishing one may be outside already."""

DELIVERY_STATES = StateGraph(
    initial=S.DRAFT,
    edges={
        S.DRAFT: {S.APPROVED, S.HELD, S.CANCELLED},
        S.APPROVED: {S.SCHEDULED, S.DRAFT, S.CANCELLED},
        S.SCHEDULED: {S.SCHEDULED, S.PUBLISHING, S.HELD, S.DRAFT, S.CANCELLED, S.REHEARSED},
        S.HELD: {S.SCHEDULED, S.DRAFT, S.CANCELLED},
        S.PUBLISHING: {S.PUBLISHED, S.PROCESSING, S.SCHEDULED, S.FAILED, S.HELD, S.UNCERTAIN, S.PARTLY, S.BROKEN_OFF},
        S.PROCESSING: {S.PUBLISHED, S.FAILED, S.UNCERTAIN},
        S.UNCERTAIN: {S.PUBLISHED, S.FAILED, S.SCHEDULED, S.CANCELLED, S.REMOVING, S.PARTLY, S.BROKEN_OFF},
        S.PARTLY: {S.PUBLISHING, S.BROKEN_OFF, S.REMOVING},
        S.BROKEN_OFF: {S.PARTLY, S.REMOVING},
        S.FAILED: {S.DRAFT, S.SCHEDULED, S.CANCELLED},
        S.PUBLISHED: {S.REMOVING, S.REMOVED},
        S.REMOVING: {S.REMOVED},
    },
    deadlines={S.PUBLISHING: StateDeadline(ACT_TIMEOUT + TIMEOUT_MARGIN, then=S.UNCERTAIN)},  # a crash in mid-call
)


class EditState(StrEnum):
    """Where other words for a post that stands outside are."""

    WAITING = "waiting"  # for a yes
    DUE = "due"  # it leaves as soon as it may
    SENDING = "sending"  # permit consumed: the same again changes nothing, so a lost answer is asked for once more
    DONE = "done"
    REFUSED = "refused"  # what stood there stands there still
    UNSURE = "unsure"  # either words may stand: only a person, or other words, may leave this state
    DROPPED = "dropped"  # nobody wants it any more, or there is nothing to change


E = EditState
OPEN_EDITS = (E.WAITING, E.DUE, E.SENDING, E.REFUSED, E.UNSURE)
"""States in which a post does not say, or may not say, outside what it says here; one such edit per delivery."""

EDITS_NEEDING_DECISION = frozenset({E.REFUSED, E.UNSURE})

EDIT_STATES = StateGraph(
    initial=E.WAITING,
    edges={
        E.WAITING: {E.DUE, E.REFUSED, E.DROPPED},
        E.DUE: {E.SENDING, E.WAITING, E.REFUSED, E.UNSURE, E.DROPPED},
        E.SENDING: {E.DONE, E.DUE, E.REFUSED, E.UNSURE, E.DROPPED},
        E.REFUSED: {E.DUE, E.DROPPED},
        E.UNSURE: {E.DONE, E.DUE, E.REFUSED, E.DROPPED},
    },
    deadlines={E.SENDING: StateDeadline(ACT_TIMEOUT + TIMEOUT_MARGIN, then=E.DUE)},  # a crash in mid-call
)


class SeriesState(StrEnum):
    """How far a series is."""

    RUNNING = "running"
    PLANNED = "planned"  # its last delivery is made
    STOPPED = "stopped"


SERIES_STATES = StateGraph(
    initial=SeriesState.RUNNING,
    edges={
        SeriesState.RUNNING: {SeriesState.PLANNED, SeriesState.STOPPED},
        SeriesState.PLANNED: {SeriesState.STOPPED},
    },
)


class ImportState(StrEnum):
    """Where a file that was brought in stands."""

    WAITING, READY, REFUSED = "waiting", "ready", "refused"
    WRITING, WRITTEN, TAKEN_BACK = "writing", "written", "taken_back"


IMPORT_STATES = StateGraph(
    initial=ImportState.WAITING,
    edges={
        ImportState.WAITING: {ImportState.READY, ImportState.REFUSED},
        ImportState.READY: {ImportState.WRITING, ImportState.WAITING},
        ImportState.REFUSED: {ImportState.WAITING},
        ImportState.WRITING: {ImportState.WRITTEN, ImportState.REFUSED},  # what was well before may not be any more
        ImportState.WRITTEN: {ImportState.TAKEN_BACK},
    },
)


class WeekLineState(StrEnum):
    """What became of one post of a proposed week."""

    PROPOSED, ACCEPTED, DROPPED = "proposed", "accepted", "dropped"


WEEK_LINE_STATES = StateGraph(
    initial=WeekLineState.PROPOSED,
    edges={WeekLineState.PROPOSED: {WeekLineState.ACCEPTED, WeekLineState.DROPPED}},
)


class DowntimeState(StrEnum):
    """What was said to how missed posts leave."""

    OPEN, KEPT = "open", "kept"
    STOPPED = "stopped"  # somebody held all that had not left
    OVER = "over"  # nobody said anything, and nothing of it waits for its turn any more


DOWNTIME_STATES = StateGraph(
    initial=DowntimeState.OPEN,
    edges={
        DowntimeState.OPEN: {DowntimeState.KEPT, DowntimeState.STOPPED, DowntimeState.OVER},
        DowntimeState.KEPT: {DowntimeState.STOPPED},
    },
)


class AltTextState(StrEnum):
    """What became of words that a model was asked for, for a picture."""

    WAITING, OFFERED, TAKEN, REFUSED = "waiting", "offered", "taken", "refused"
    LACKING = "lacking"  # it wrote none that may be offered, or was not asked


ALT_TEXT_STATES = StateGraph(
    initial=AltTextState.WAITING,
    edges={
        AltTextState.WAITING: {AltTextState.OFFERED, AltTextState.LACKING},
        AltTextState.OFFERED: {AltTextState.TAKEN, AltTextState.REFUSED},
        AltTextState.LACKING: {AltTextState.REFUSED},
    },
)
