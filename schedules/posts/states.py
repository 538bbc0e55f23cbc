"""State graphs of deliveries, series, imports and plans, as data that code, tests and pages
share."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from foundation.state_graphs import StateDeadline, StateGraph
from schedules.downtime.states import DowntimeState
from schedules.imports.states import ImportState
from schedules.suggestions.states import AltTextState, WeekLineState

DASHBOARD_ORIGIN = "dashboard"
SERIES_ORIGIN = "series"
"""Origins of posts: the composer, and posts that replace a series on some of its dates."""

MISSING_APPROVAL_CODES = frozenset(
    {"delivery.unapproved", "delivery.half_approved", "delivery.yes_over"}
)
"""Reasons of a hold: no approval, a missing second approval, or an expired approval."""

RELEASED_BY_APPROVAL = MISSING_APPROVAL_CODES | {"delivery.changed"}
"""Reasons of a hold that an approval ends."""


ACCOUNT_LOST = "delivery.account_lost"
"""The reason of a hold that ends when the account is connected again."""

CREATOR_INACTIVE = "delivery.creator_inactive"
"""The reason of a hold that ends when the creator is reactivated."""

POSTS_PER_DAY = "delivery.posts_per_day"
"""The reason of a hold if the creator has reached the number of posts per day."""

ACT_TIMEOUT = timedelta(seconds=30)
"""Total time of one attempt; the deadline of a claim adds a margin for its commit."""

STAGE_TIMEOUT = timedelta(minutes=5)
"""Total time of all uploads of a delivery before its due time."""

TIMEOUT_MARGIN = timedelta(seconds=20)
"""Time between the deadline of a claim and the lookup of its result."""

WAITS_FOR_MANUAL_POSTING = "delivery.handed_over"
"""The reason of a delivery that a member posts manually: nothing is polled, and after a week a
reminder is sent."""


class DeliveryState(StrEnum):
    """The state of one post on one channel."""

    DRAFT = "draft"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    HELD = "held"
    PUBLISHING = (
        # The permit is consumed and committed before the request: sending again may duplicate the
        # post.
        "publishing"
    )
    PROCESSING = "processing"  # accepted by the platform: polled or awaited, never sent again
    UNCERTAIN = "uncertain"  # sent without a response: only a lookup or a member may end this state
    PUBLISHED = "published"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PARTLY = "partly"  # parts of a thread are published, and the next one follows automatically
    BROKEN_OFF = "broken_off"  # parts of a thread are published, and the rest needs a decision
    REMOVING = "removing"
    REMOVED = "removed"
    REHEARSED = "rehearsed"  # fell due during a dry run: never sent


NEEDS_DECISION = frozenset(
    {DeliveryState.HELD, DeliveryState.FAILED, DeliveryState.UNCERTAIN, DeliveryState.BROKEN_OFF}
)
"""States in which a delivery needs a member's decision."""

FINAL_STATES = frozenset(
    {
        DeliveryState.PUBLISHED,
        DeliveryState.CANCELLED,
        DeliveryState.REMOVING,
        DeliveryState.REMOVED,
        DeliveryState.REHEARSED,
    }
)
"""Final states: a delivery in one is never scheduled, approved or moved again."""

SENT_STATES = frozenset(
    {
        DeliveryState.PUBLISHING,
        DeliveryState.PROCESSING,
        DeliveryState.UNCERTAIN,
        DeliveryState.PUBLISHED,
        DeliveryState.PARTLY,
        DeliveryState.BROKEN_OFF,
    }
)
"""States in which a part of the delivery is, or may be, published."""

PENDING_STATES = frozenset({DeliveryState.DRAFT, DeliveryState.APPROVED, DeliveryState.SCHEDULED})
"""States of an unpublished delivery that needs no decision."""

CANCELLABLE = PENDING_STATES | {DeliveryState.HELD, DeliveryState.FAILED}
"""States in which no part is, or may be, published: the delivery can be rewritten or cancelled."""

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
"""Message codes of refused cancellations by state."""

LEFT_UNCERTAIN = "delivery.left_in_doubt"
"""The reason of a delivery that was cancelled while uncertain: it may be published."""

SCHEDULABLE = frozenset(
    {DeliveryState.SCHEDULED, DeliveryState.HELD, DeliveryState.FAILED, DeliveryState.BROKEN_OFF}
)
"""States in which a member can reschedule a delivery. PUBLISHING is excluded: it may be published
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
    },  # the worker crashed during the request
)


class SeriesState(StrEnum):
    """The state of a series."""

    RUNNING = "running"
    PLANNED = "planned"  # the last delivery is created
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
        },  # the second validation can find problems that the first did not
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
