"""What the API gives out about times: series, hours of the week, queues, quiet days, pauses, moves,
files, feeds."""

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
    """Posts that were missed together: how many left, wait for their turn, are held; `since` is
    when the first was due. `open`: nobody answered yet. `others_too`: it also touches creators this
    key may not see."""

    id: UUID
    state: DowntimeState
    since: datetime
    left: int
    waiting: int
    held: int
    others_too: bool

    @classmethod
    def of(cls, one: DowntimeView) -> "DowntimeOut":
        """Of the room's value."""
        return cls(**downtime_fields(one))


def downtime_fields(one: DowntimeView) -> dict[str, Any]:
    """The fields of a downtime."""
    return {name: getattr(one, name) for name in ("id", "state", "since", "others_too")} | asdict(
        one.count
    )


class MissedOut(BaseModel):
    """What an account missed, in the order of its turns, what is held last: the scheduled ones
    leave at their `not_before`."""

    channel_id: UUID
    channel: str
    deliveries: list[DeliveryOut]

    @classmethod
    def of(cls, one: MissedOnAccount) -> "MissedOut":
        """Of the room's value."""
        return cls(
            channel_id=one.id,
            channel=one.name,
            deliveries=[DeliveryOut.from_view(entry) for entry in one.entries],
        )


class DowntimeWhole(DowntimeOut):
    """The same, account by account."""

    accounts: list[MissedOut]

    @classmethod
    def from_view(cls, one: DowntimeView) -> "DowntimeWhole":
        """Of the room's value."""
        return cls(
            **downtime_fields(one), accounts=[MissedOut.of(account) for account in one.accounts]
        )


class DowntimesOut(BaseModel):
    """A page of downtimes; `next` is the cursor of the one after, null at the end."""

    items: list[DowntimeOut]
    next: str | None


class WallOut(BaseModel):
    """A local date and time in its zone."""

    wall_time: str
    zone: str

    @classmethod
    def of(cls, one: WallTime) -> "WallOut":
        """Of the room's value."""
        return cls(wall_time=str(one), zone=one.zone)


class SeriesOut(BaseModel):
    """A post that repeats. `rule` as RFC 5545 writes it; `coming` are its next times by the rule:
    what was moved leaves at a time of its own."""

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
        """Of the room's value."""
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
    """An hour of the week of an account; 0 is Monday."""

    id: UUID
    creator_id: UUID
    channel_id: UUID
    weekday: int
    clock: str
    zone: str
    jitter: int
    label: str

    @classmethod
    def of(cls, one: Slot) -> "SlotOut":
        """Of the room's value."""
        said = {
            name: getattr(one, name)
            for name in ("id", "creator_id", "channel_id", "weekday", "zone", "jitter")
        }
        return cls(**said, label=one.label, clock=f"{one.clock:%H:%M}")


class QueuedOut(BaseModel):
    """One delivery of a queue."""

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
        """Of the room's value."""
        names = ("delivery_id", "post_id", "version", "state", "words", "due_at", "label")
        return cls(at=WallOut.of(one.at), **{name: getattr(one, name) for name in names})


class QueueOut(BaseModel):
    """The queue of an account, the next one first; `next_free` is when a post would leave that is
    added now.

    `min_gap_seconds` lie between two posts: with `holds_distance` one that comes nearer waits, else
    people are told.
    """

    channel_id: UUID
    min_gap_seconds: int
    holds_distance: bool
    items: list[QueuedOut]
    next_free: WallOut | None

    @classmethod
    def of(
        cls, channel: Channel, entries: Sequence[QueueEntry], free: WallTime | None
    ) -> "QueueOut":
        """Of the room's values."""
        return cls(
            channel_id=channel.id,
            min_gap_seconds=int(channel.min_interval.total_seconds()),
            holds_distance=channel.holds_min_interval,
            items=[QueuedOut.of(one) for one in entries],
            next_free=None if free is None else WallOut.of(free),
        )


class HolidayOut(BaseModel):
    """A public holiday; `quiet`: whether it is kept free. Its English name is what `left_out`
    says."""

    day: date
    english: str
    french: str
    quiet: bool


class HolidaysOut(BaseModel):
    """Whose public holidays are quiet days; `own`: by a choice of this creator's, else by the
    agency's."""

    creator_id: UUID | None
    country: str
    region: str
    left_out: list[str]
    own: bool
    days: list[HolidayOut]


class QuietOut(BaseModel):
    """When nothing is posted: dates, or hours of the week."""

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
        """Of the room's value."""
        names = ("id", "creator_id", "channel_id", "label", "zone", "first", "last", "weekday")
        hours = {
            name: None if at is None else f"{at:%H:%M}"
            for name, at in (("start", one.start), ("end", one.end))
        }
        return cls(**{name: getattr(one, name) for name in names}, **hours)


class MovingOut(BaseModel):
    """One delivery that goes to another time; `warning` is what speaks against it."""

    delivery_id: UUID
    post_id: UUID
    channel_id: UUID
    words: str
    before: WallOut
    after: WallOut
    warning: ReasonOut | None

    @classmethod
    def of(cls, one: PlannedMove) -> "MovingOut":
        """Of the room's value."""
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
    """One delivery that stays where it is, or that does not leave at all, and why."""

    delivery_id: UUID
    channel_id: UUID
    words: str
    why: ReasonOut | None

    @classmethod
    def of(cls, one: UnmovedDelivery | LeftOutOccurrence) -> "LeftOut":
        """Of the room's value."""
        return cls(
            delivery_id=one.delivery_id,
            channel_id=one.channel_id,
            words=one.words,
            why=reason_out(one.why),
        )


class MovePreviewOut(BaseModel):
    """What would move where, by time, what would stay, and what of series would be left out of a
    pause; `seen` is handed back with the word to do it."""

    moving: list[MovingOut]
    left: list[LeftOut]
    out: list[LeftOut]
    seen: dict[UUID, int]

    @classmethod
    def of(cls, found: MovePreview) -> "MovePreviewOut":
        """Of the room's value."""
        return cls(
            moving=[MovingOut.of(one) for one in found.moving],
            left=[LeftOut.of(one) for one in found.left],
            out=[LeftOut.of(one) for one in found.out],
            seen=found.seen_versions,
        )


class MovedOut(BaseModel):
    """What was moved, and what stayed. `shift_id` takes it back, for ten minutes; null where it is
    one itself."""

    shift_id: UUID | None
    moved: list[MovingOut]
    left: list[LeftOut]

    @classmethod
    def of(
        cls, shift_id: UUID | None, moved: Sequence[PlannedMove], left: Sequence[UnmovedDelivery]
    ) -> "MovedOut":
        """Of the room's values."""
        return cls(
            shift_id=shift_id,
            moved=[MovingOut.of(one) for one in moved],
            left=[LeftOut.of(one) for one in left],
        )


class PauseOut(BaseModel):
    """A pause that was announced, what it moved, and what of series it left out."""

    pause: QuietOut
    moved: list[MovingOut]
    left: list[LeftOut]
    out: list[LeftOut]


class ShiftOut(BaseModel):
    """A move of many: until when it may be taken back, and when it was."""

    id: UUID
    creator_id: UUID
    by: str
    deliveries: list[UUID]
    made_at: datetime
    until: datetime
    undone_at: datetime | None

    @classmethod
    def of(cls, one: BulkMoveRecord) -> "ShiftOut":
        """Of the room's value."""
        names = ("creator_id", "by", "made_at", "until", "undone_at")
        said = {name: getattr(one, name) for name in names}
        return cls(id=one.shift_id, deliveries=list(one.deliveries), **said)


class FindingOut(BaseModel):
    """Something about a line (the heading is 1): a problem keeps the file from being written, a
    mark does not."""

    line: int
    column: str
    problem: bool
    code: str
    text: str

    @classmethod
    def of(cls, one: ImportFinding) -> "FindingOut":
        """Of the room's value."""
        said = reason_out(one.message) or ReasonOut(code="", text="")
        return cls(
            line=one.line, column=one.column, problem=one.grave, code=said.code, text=said.text
        )


class ImportOut(BaseModel):
    """A file of posts: `done` of `lines` were looked at; `posts` were written; `taken_back` of
    their deliveries, of which `left_before` had gone. `findings` are told of one file, not in
    lists."""

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
        """Of the room's value."""
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
    """A page elsewhere whose entries become drafts; `reason` says why it could not be read last."""

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
        """Of the room's value."""
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
    """A page of series, the newest first; `next` is the cursor of the one after, null at the
    end."""

    items: list[SeriesOut]
    next: str | None


class SlotsPage(BaseModel):
    """A page of hours of the week."""

    items: list[SlotOut]
    next: str | None


class QuietPage(BaseModel):
    """A page of quiet periods, or of pauses."""

    items: list[QuietOut]
    next: str | None


class ImportsPage(BaseModel):
    """The files brought in last, the last one first."""

    items: list[ImportOut]


class FeedsPage(BaseModel):
    """A page of feeds."""

    items: list[FeedOut]
    next: str | None
