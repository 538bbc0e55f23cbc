"""Responses about series, slots, queues, quiet periods, pauses, bulk moves, imports, feeds and
downtimes."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from channels.accounts.queries import Channel
from foundation.ops.wall_time import WallTime
from schedules.availability.quiet_periods import QuietPeriod
from schedules.availability.slots import Slot
from schedules.downtime.queries import DowntimeView, MissedOnAccount
from schedules.downtime.states import DowntimeState
from schedules.feeds.sources import FeedView
from schedules.imports.csv_rows import ImportFinding
from schedules.imports.import_files import ImportView
from schedules.imports.states import ImportState
from schedules.posts.states import DeliveryState, SeriesState
from schedules.recurrence.queries import SeriesRecord
from schedules.rescheduling.bulk_moves import (
    BulkMoveRecord,
    LeftOutOccurrence,
    MovePreview,
    PlannedMove,
    UnmovedDelivery,
)
from schedules.rescheduling.queue import QueueEntry
from web.api.common.schemas import ReasonOut, reason_out
from web.api.posts.delivery_schemas import DeliveryOut


class DowntimeOut(BaseModel):
    """The number of posts missed in a downtime: those published since (`left`), those waiting for
    their new time, and those on hold. `since` is the due time of the first. The state is `open`
    until a member decides. `others_too` is true if it affects creators that the key may not access.
    """

    id: UUID
    state: DowntimeState
    since: datetime
    left: int
    waiting: int
    held: int
    others_too: bool

    @classmethod
    def of(cls, one: DowntimeView) -> "DowntimeOut":
        return cls(**downtime_fields(one))


def downtime_fields(one: DowntimeView) -> dict[str, Any]:
    """Return the response fields of a downtime."""
    return {name: getattr(one, name) for name in ("id", "state", "since", "others_too")} | asdict(
        one.count
    )


class MissedOut(BaseModel):
    """The missed deliveries of an account in the order of their new times (`not_before`), held ones
    last."""

    channel_id: UUID
    channel: str
    deliveries: list[DeliveryOut]

    @classmethod
    def of(cls, one: MissedOnAccount) -> "MissedOut":
        return cls(
            channel_id=one.id,
            channel=one.name,
            deliveries=[DeliveryOut.from_view(entry) for entry in one.entries],
        )


class DowntimeWhole(DowntimeOut):
    """A downtime with its missed deliveries by account."""

    accounts: list[MissedOut]

    @classmethod
    def from_view(cls, one: DowntimeView) -> "DowntimeWhole":
        return cls(
            **downtime_fields(one), accounts=[MissedOut.of(account) for account in one.accounts]
        )


class DowntimesOut(BaseModel):
    """A page of downtimes. `next` is the cursor of the next page, or null."""

    items: list[DowntimeOut]
    next: str | None


class WallOut(BaseModel):
    """A local date and time with its time zone."""

    wall_time: str
    zone: str

    @classmethod
    def of(cls, one: WallTime) -> "WallOut":
        return cls(wall_time=str(one), zone=one.zone)


class SeriesOut(BaseModel):
    """A recurring post. `rule` has the format of RFC 5545. `coming` are its next times by the rule;
    moved occurrences have a different time."""

    id: UUID
    creator_id: UUID
    post_id: UUID
    channels: list[UUID]
    state: SeriesState
    rule: Annotated[str, Field(examples=["FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TH;COUNT=8"])]
    starts_on: date
    clock: Annotated[str, Field(examples=["18:30"])]
    zone: str
    coming: list[WallOut]
    left_out: list[date]

    @classmethod
    def of(cls, one: SeriesRecord) -> "SeriesOut":
        series = one.series
        repeat = one.series.repeat
        return cls(
            id=series.id,
            creator_id=one.creator_id,
            post_id=one.post_id,
            channels=list(one.channels),
            state=series.state,
            rule=str(repeat.rule),
            starts_on=repeat.starts_on,
            clock=repeat.clock.isoformat("auto" if repeat.clock.second else "minutes"),
            zone=repeat.zone,
            coming=[WallOut.of(wall) for wall in series.coming],
            left_out=list(series.left_out),
        )


class SlotOut(BaseModel):
    """A weekly slot of an account. Weekday 0 is Monday."""

    id: UUID
    creator_id: UUID
    channel_id: UUID
    weekday: int
    clock: str
    zone: str
    jitter: int
    label: str
    automatic: bool

    @classmethod
    def of(cls, one: Slot) -> "SlotOut":
        said = {
            name: getattr(one, name)
            for name in ("id", "creator_id", "channel_id", "weekday", "zone", "jitter", "automatic")
        }
        return cls(**said, label=one.label, clock=f"{one.clock:%H:%M}")


class QueuedOut(BaseModel):
    """A delivery in a queue."""

    delivery_id: UUID
    post_id: UUID
    version: int
    state: DeliveryState
    words: str
    at: WallOut
    due_at: datetime
    label: str

    @classmethod
    def of(cls, one: QueueEntry) -> "QueuedOut":
        names = ("delivery_id", "post_id", "version", "state", "words", "due_at", "label")
        return cls(at=WallOut.of(one.at), **{name: getattr(one, name) for name in names})


class QueueOut(BaseModel):
    """The queue of an account, next delivery first. `next_free` is the next open slot.
    `min_gap_seconds` is the minimum interval between two posts. With `holds_distance`, posts wait
    for it; otherwise members are only warned."""

    channel_id: UUID
    min_gap_seconds: int
    holds_distance: bool
    items: list[QueuedOut]
    next_free: WallOut | None

    @classmethod
    def of(
        cls, channel: Channel, entries: Sequence[QueueEntry], free: WallTime | None
    ) -> "QueueOut":
        return cls(
            channel_id=channel.id,
            min_gap_seconds=int(channel.min_interval.total_seconds()),
            holds_distance=channel.holds_min_interval,
            items=[QueuedOut.of(one) for one in entries],
            next_free=None if free is None else WallOut.of(free),
        )


class HolidayOut(BaseModel):
    """A public holiday. `quiet` is true if it is a quiet day. `left_out` refers to its English
    name."""

    day: date
    english: str
    french: str
    quiet: bool


class HolidaysOut(BaseModel):
    """The setting for public holidays as quiet days. `own` is true if it was set for this creator
    or agency, and false if a creator uses the agency's setting."""

    creator_id: UUID | None
    country: str
    region: str
    left_out: list[str]
    own: bool
    days: list[HolidayOut]


class QuietOut(BaseModel):
    """A quiet period: dates, or hours of the week."""

    id: UUID
    creator_id: UUID
    channel_id: UUID | None
    label: str
    zone: str
    first: date | None
    last: date | None
    weekday: int | None
    start: str | None
    end: str | None

    @classmethod
    def of(cls, one: QuietPeriod) -> "QuietOut":
        names = ("id", "creator_id", "channel_id", "label", "zone", "first", "last", "weekday")
        hours = {
            name: None if at is None else f"{at:%H:%M}"
            for name, at in (("start", one.start), ("end", one.end))
        }
        return cls(**{name: getattr(one, name) for name in names}, **hours)


class MovingOut(BaseModel):
    """A delivery that moves to another time. `warning` is a reason against the new time."""

    delivery_id: UUID
    post_id: UUID
    channel_id: UUID
    words: str
    before: WallOut
    after: WallOut
    warning: ReasonOut | None

    @classmethod
    def of(cls, one: PlannedMove) -> "MovingOut":
        said = {
            name: getattr(one, name) for name in ("delivery_id", "post_id", "channel_id", "words")
        }
        return cls(
            **said,
            before=WallOut.of(one.before),
            after=WallOut.of(one.after),
            warning=reason_out(one.warning),
        )


class LeftOut(BaseModel):
    """A delivery that does not move or is cancelled, with the reason."""

    delivery_id: UUID
    channel_id: UUID
    words: str
    why: ReasonOut | None

    @classmethod
    def of(cls, one: UnmovedDelivery | LeftOutOccurrence) -> "LeftOut":
        return cls(
            delivery_id=one.delivery_id,
            channel_id=one.channel_id,
            words=one.words,
            why=reason_out(one.why),
        )


class MovePreviewOut(BaseModel):
    """A preview: the deliveries that would move, sorted by time; those that would not move
    (`left`); and the dates of series that a pause would skip (`out`). Pass `seen` back to perform
    the move."""

    moving: list[MovingOut]
    left: list[LeftOut]
    out: list[LeftOut]
    seen: dict[UUID, int]

    @classmethod
    def of(cls, found: MovePreview) -> "MovePreviewOut":
        return cls(
            moving=[MovingOut.of(one) for one in found.moving],
            left=[LeftOut.of(one) for one in found.left],
            out=[LeftOut.of(one) for one in found.out],
            seen=found.seen_versions,
        )


class MovedOut(BaseModel):
    """The result of a move. `shift_id` can be undone for ten minutes; it is null if the move cannot
    be undone."""

    shift_id: UUID | None
    moved: list[MovingOut]
    left: list[LeftOut]

    @classmethod
    def of(
        cls, shift_id: UUID | None, moved: Sequence[PlannedMove], left: Sequence[UnmovedDelivery]
    ) -> "MovedOut":
        return cls(
            shift_id=shift_id,
            moved=[MovingOut.of(one) for one in moved],
            left=[LeftOut.of(one) for one in left],
        )


class PauseOut(BaseModel):
    """A new pause, the deliveries that it moved, and the dates of series that it skips (`out`)."""

    pause: QuietOut
    moved: list[MovingOut]
    left: list[LeftOut]
    out: list[LeftOut]


class ShiftOut(BaseModel):
    """A bulk move. It can be undone until `until`."""

    id: UUID
    creator_id: UUID
    by: str
    deliveries: list[UUID]
    made_at: datetime
    until: datetime
    undone_at: datetime | None

    @classmethod
    def of(cls, one: BulkMoveRecord) -> "ShiftOut":
        names = ("creator_id", "by", "made_at", "until", "undone_at")
        said = {name: getattr(one, name) for name in names}
        return cls(id=one.shift_id, deliveries=list(one.deliveries), **said)


class FindingOut(BaseModel):
    """A finding about a line of an import (the heading is line 1). Problems prevent the import,
    marks do not."""

    line: int
    column: str
    problem: bool
    code: str
    text: str

    @classmethod
    def of(cls, one: ImportFinding) -> "FindingOut":
        said = reason_out(one.message) or ReasonOut(code="", text="")
        return cls(
            line=one.line, column=one.column, problem=one.grave, code=said.code, text=said.text
        )


class ImportOut(BaseModel):
    """An import: `done` of `lines` are validated, and `posts` were created. After an undo,
    `taken_back` counts cancelled deliveries and `left_before` those that were already published.
    Lists do not include `findings`."""

    id: UUID
    name: str
    state: ImportState
    by: str
    at: datetime
    plan: bool
    done: int
    lines: int
    problems: int
    marks: int
    findings: list[FindingOut]
    reason: ReasonOut | None
    posts: int
    taken_back: int
    left_before: int

    @classmethod
    def of(cls, one: ImportView) -> "ImportOut":
        names = (
            "id",
            "name",
            "state",
            "by",
            "at",
            "plan",
            "done",
            "lines",
            "problems",
            "marks",
            "posts",
        )
        return cls(
            **{name: getattr(one, name) for name in names},
            findings=[FindingOut.of(each) for each in one.findings],
            reason=reason_out(one.reason),
            taken_back=one.taken,
            left_before=one.left_before,
        )


class FeedOut(BaseModel):
    """A web feed whose entries become drafts. `reason` is the last error."""

    id: UUID
    creator_id: UUID
    url: str
    title: str
    channels: list[UUID]
    paused: bool
    last_read_at: datetime | None
    next_read_at: datetime
    reason: ReasonOut | None
    total: int

    @classmethod
    def of(cls, one: FeedView) -> "FeedOut":
        names = (
            "id",
            "creator_id",
            "url",
            "title",
            "paused",
            "last_read_at",
            "next_read_at",
            "total",
        )
        said = {name: getattr(one, name) for name in names}
        return cls(**said, channels=list(one.channels), reason=reason_out(one.reason))


class SeriesPage(BaseModel):
    """A page of series, newest first. `next` is the cursor of the next page, or null."""

    items: list[SeriesOut]
    next: str | None


class SlotsPage(BaseModel):
    """A page of slots."""

    items: list[SlotOut]
    next: str | None


class QuietPage(BaseModel):
    """A page of quiet periods, or of pauses."""

    items: list[QuietOut]
    next: str | None


class ImportsPage(BaseModel):
    """Recent imports, newest first."""

    items: list[ImportOut]


class FeedsPage(BaseModel):
    """A page of feeds."""

    items: list[FeedOut]
    next: str | None
