"""The states of a delivery, as data: code, tests and pages read the same graph."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from foundation.state_graphs import StateDeadline, StateGraph
from schedules.downtime.states import DowntimeState
from schedules.imports.states import ImportState
from schedules.suggestions.states import AltTextState, WeekLineState

DASHBOARD_ORIGIN = "dashboard"
SERIES_ORIGIN = "series"
"""Where posts come from: somebody who writes, and what takes the place of a series on some of its
dates."""

MISSING_APPROVAL_CODES = frozenset(
    {"delivery.unapproved", "delivery.half_approved", "delivery.yes_over"}
)
"""Reasons of a hold: no approval; the second of two missing; one that has expired."""

RELEASED_BY_APPROVAL = MISSING_APPROVAL_CODES | {"delivery.changed"}
"""Reasons of a hold that a yes takes away."""


ACCOUNT_LOST = "delivery.account_lost"
"""The reason of a hold that ends when the account is connected again."""

ACT_TIMEOUT = timedelta(seconds=30)
"""Total wall time of one act; the deadline of a claim is this plus a margin for its commit."""

STAGE_TIMEOUT = timedelta(minutes=5)
"""Total wall time of all uploads of a delivery, ahead of its time."""

TIMEOUT_MARGIN = timedelta(seconds=20)
"""From a claim's deadline to the look that finds out what happened."""

WAITS_FOR_MANUAL_POSTING = "delivery.handed_over"
"""The reason of a delivery that a person posts: nothing is polled, and after a week somebody is
asked."""


class DeliveryState(StrEnum):
    """Where one post on one channel stands."""

    DRAFT = "draft"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    HELD = "held"
    PUBLISHING = (
        "publishing"  # permit consumed and committed before the call: a resend may duplicate
    )
    PROCESSING = "processing"  # accepted: polled, or waited for, never sent again
    UNCERTAIN = "uncertain"  # sent, no answer: only reconciling or a person may leave this state
    PUBLISHED = "published"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PARTLY = "partly"  # parts of a thread stand outside, and the next one follows by itself
    BROKEN_OFF = "broken_off"  # parts stand outside, and the rest waits for a person
    REMOVING = "removing"
    REMOVED = "removed"
    REHEARSED = (
        "rehearsed"  # its time came in a rehearsal: nothing was sent, and nothing ever will be
    )


NEEDS_DECISION = frozenset(
    {DeliveryState.HELD, DeliveryState.FAILED, DeliveryState.UNCERTAIN, DeliveryState.BROKEN_OFF}
)
"""States in which a delivery waits for somebody's decision."""

FINAL_STATES = frozenset(
    {
        DeliveryState.PUBLISHED,
        DeliveryState.CANCELLED,
        DeliveryState.REMOVING,
        DeliveryState.REMOVED,
        DeliveryState.REHEARSED,
    }
)
"""States from which none leads back: nothing of such a delivery is planned, approved or moved any
more."""

PENDING_STATES = frozenset({DeliveryState.DRAFT, DeliveryState.APPROVED, DeliveryState.SCHEDULED})
"""States of a delivery that nobody has to decide on and that has not left."""

CANCELLABLE = PENDING_STATES | {DeliveryState.HELD, DeliveryState.FAILED}
"""States in which nothing of a delivery is outside, nor may be: it may be rewritten, or taken off
the calendar."""

CANCEL_REFUSALS: Mapping[DeliveryState, str] = {
    **dict.fromkeys((DeliveryState.PUBLISHING, DeliveryState.PROCESSING), "delivery.on_its_way"),
    DeliveryState.UNCERTAIN: "delivery.maybe_online",
    **dict.fromkeys(
        (DeliveryState.PUBLISHED, DeliveryState.PARTLY, DeliveryState.BROKEN_OFF),
        "delivery.is_online",
    ),
    **dict.fromkeys(
        (
            DeliveryState.CANCELLED,
            DeliveryState.REMOVING,
            DeliveryState.REMOVED,
            DeliveryState.REHEARSED,
        ),
        "delivery.nothing_left",
    ),
}
"""Why any other delivery is not taken off the calendar, and what is done instead."""

LEFT_UNCERTAIN = "delivery.left_in_doubt"
"""Why one was cancelled that may be outside all the same."""

SCHEDULABLE = frozenset(
    {DeliveryState.SCHEDULED, DeliveryState.HELD, DeliveryState.FAILED, DeliveryState.BROKEN_OFF}
)
"""States in which a person may give a delivery a time to leave. A publishing one may be outside
already."""

DELIVERY_STATES = StateGraph(
    initial=DeliveryState.DRAFT,
    edges={
        DeliveryState.DRAFT: {DeliveryState.APPROVED, DeliveryState.HELD, DeliveryState.CANCELLED},
        DeliveryState.APPROVED: {
            DeliveryState.SCHEDULED,
            DeliveryState.DRAFT,
            DeliveryState.CANCELLED,
        },
        DeliveryState.SCHEDULED: {
            DeliveryState.SCHEDULED,
            DeliveryState.PUBLISHING,
            DeliveryState.HELD,
            DeliveryState.DRAFT,
            DeliveryState.CANCELLED,
            DeliveryState.REHEARSED,
        },
        DeliveryState.HELD: {DeliveryState.SCHEDULED, DeliveryState.DRAFT, DeliveryState.CANCELLED},
        DeliveryState.PUBLISHING: {
            DeliveryState.PUBLISHED,
            DeliveryState.PROCESSING,
            DeliveryState.SCHEDULED,
            DeliveryState.FAILED,
            DeliveryState.HELD,
            DeliveryState.UNCERTAIN,
            DeliveryState.PARTLY,
            DeliveryState.BROKEN_OFF,
        },
        DeliveryState.PROCESSING: {
            DeliveryState.PUBLISHED,
            DeliveryState.FAILED,
            DeliveryState.UNCERTAIN,
        },
        DeliveryState.UNCERTAIN: {
            DeliveryState.PUBLISHED,
            DeliveryState.FAILED,
            DeliveryState.SCHEDULED,
            DeliveryState.CANCELLED,
            DeliveryState.REMOVING,
            DeliveryState.PARTLY,
            DeliveryState.BROKEN_OFF,
        },
        DeliveryState.PARTLY: {
            DeliveryState.PUBLISHING,
            DeliveryState.BROKEN_OFF,
            DeliveryState.REMOVING,
        },
        DeliveryState.BROKEN_OFF: {DeliveryState.PARTLY, DeliveryState.REMOVING},
        DeliveryState.FAILED: {
            DeliveryState.DRAFT,
            DeliveryState.SCHEDULED,
            DeliveryState.CANCELLED,
        },
        DeliveryState.PUBLISHED: {DeliveryState.REMOVING, DeliveryState.REMOVED},
        DeliveryState.REMOVING: {DeliveryState.REMOVED},
    },
    deadlines={
        DeliveryState.PUBLISHING: StateDeadline(
            ACT_TIMEOUT + TIMEOUT_MARGIN, then=DeliveryState.UNCERTAIN
        )
    },  # a crash in mid-call
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


IMPORT_STATES = StateGraph(
    initial=ImportState.WAITING,
    edges={
        ImportState.WAITING: {ImportState.READY, ImportState.REFUSED},
        ImportState.READY: {ImportState.WRITING, ImportState.WAITING},
        ImportState.REFUSED: {ImportState.WAITING},
        ImportState.WRITING: {
            ImportState.WRITTEN,
            ImportState.REFUSED,
        },  # what was well before may not be any more
        ImportState.WRITTEN: {ImportState.TAKEN_BACK},
    },
)


WEEK_LINE_STATES = StateGraph(
    initial=WeekLineState.PROPOSED,
    edges={WeekLineState.PROPOSED: {WeekLineState.ACCEPTED, WeekLineState.DROPPED}},
)


DOWNTIME_STATES = StateGraph(
    initial=DowntimeState.OPEN,
    edges={
        DowntimeState.OPEN: {DowntimeState.KEPT, DowntimeState.STOPPED, DowntimeState.OVER},
        DowntimeState.KEPT: {DowntimeState.STOPPED},
    },
)


ALT_TEXT_STATES = StateGraph(
    initial=AltTextState.WAITING,
    edges={
        AltTextState.WAITING: {AltTextState.OFFERED, AltTextState.LACKING},
        AltTextState.OFFERED: {AltTextState.TAKEN, AltTextState.REFUSED},
        AltTextState.LACKING: {AltTextState.REFUSED},
    },
)
