"""Requests and responses about deliveries and their history."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from channels.attempts.queries import AttemptSummary
from foundation.i18n.translation import Message, render_message
from foundation.ops.wall_time import to_wall_time
from schedules.calendar.listings import DeliveryDetail
from schedules.calendar.next_steps import NextStepReport, publish_time
from schedules.edits.queries import EditView
from schedules.edits.states import EditState
from schedules.posts.deliveries import LOWEST_POST_PRIORITY
from schedules.posts.queries import DeliveryEntry, DeliveryStep
from schedules.posts.states import DeliveryState
from web.api.common.errors import ERROR_LANGUAGE
from web.api.common.schemas import (
    CreatorPageQuery,
    Instant,
    ReasonOut,
    RequestModel,
    StorableText,
    WallOrInstant,
    reason_out,
)


class DeliveriesQuery(CreatorPageQuery):
    """The deliveries to list. All filters must match."""

    post: UUID | None = None
    channel: UUID | None = None
    label: Annotated[UUID | None, Field(description="Only posts with this label.")] = None
    state: DeliveryState | None = None
    since: Annotated[
        Instant | None, Field(description="Only deliveries due at or after this instant.")
    ] = None
    before: Annotated[
        Instant | None, Field(description="Only deliveries due before this instant.")
    ] = None


class MoveIn(RequestModel):
    """The new publish time."""

    at: WallOrInstant


class ImportanceIn(RequestModel):
    """The priority: 1 is published first, 9 last."""

    priority: Annotated[int, Field(ge=1, le=LOWEST_POST_PRIORITY)]


class LinkIn(RequestModel):
    """The URL of the post behind an uncertain delivery."""

    url: Annotated[
        StorableText,
        Field(min_length=1, max_length=500, examples=["https://example.social/@lea/1"]),
    ]


class DeliveryOut(BaseModel):
    """A post on one account. `wall_time` in `zone` is the scheduled time, `due_at` the
    corresponding instant. `ends_at` is the time at which the platform removes the post, or null if
    the platform does not remove it."""

    id: UUID
    post_id: UUID
    creator_id: UUID
    channel_id: UUID
    state: DeliveryState
    reason: ReasonOut | None
    wall_time: str
    zone: str
    due_at: datetime
    not_before: datetime | None
    settled_at: datetime | None
    ends_at: datetime | None
    url: str | None
    native_id: str | None
    parts: int
    done: int
    priority: int
    version: int

    @classmethod
    def from_view(cls, one: DeliveryEntry) -> "DeliveryOut":
        return cls(**delivery_fields(one))


def delivery_fields(one: DeliveryEntry) -> dict[str, Any]:
    """Return the response fields of a delivery."""
    names = (
        "post_id",
        "creator_id",
        "channel_id",
        "state",
        "wall_time",
        "zone",
        "due_at",
        "not_before",
    )
    more = ("settled_at", "url", "native_id", "parts", "done", "priority", "version")
    return {
        "id": one.delivery_id,
        "reason": reason_out(one.reason),
        "ends_at": one.expires_at,
        **{name: getattr(one, name) for name in (*names, *more)},
    }


class DeliveriesOut(BaseModel):
    """A page of deliveries. `next` is the cursor of the next page, or null."""

    items: list[DeliveryOut]
    next: str | None


class MoveOut(BaseModel):
    """A state change of a delivery."""

    at: datetime
    before: DeliveryState
    after: DeliveryState
    by: str
    reason: ReasonOut | None

    @classmethod
    def of(cls, one: DeliveryStep) -> "MoveOut":
        return cls(
            at=one.at, before=one.before, after=one.after, by=one.by, reason=reason_out(one.reason)
        )


class AttemptOut(BaseModel):
    """An attempt at the platform and its outcome."""

    kind: str
    part: int
    number: int
    begun_at: datetime
    ended_at: datetime | None
    outcome: str | None
    http_status: int | None
    detail: ReasonOut | None
    url: str

    @classmethod
    def of(cls, one: AttemptSummary) -> "AttemptOut":
        return cls(
            kind=one.kind,
            part=one.part,
            number=one.n,
            begun_at=one.armed_at,
            ended_at=one.closed_at,
            outcome=one.outcome,
            http_status=one.http_status,
            detail=reason_out(one.detail),
            url=one.url,
        )


class EditOut(BaseModel):
    """An edit of the published text and its result."""

    state: EditState
    reason: ReasonOut | None
    before: list[str]
    after: list[str]
    by: str
    asked_at: datetime
    settled_at: datetime | None

    @classmethod
    def of(cls, one: EditView) -> "EditOut":
        """Convert from the stored edit. `before` and `after` contain the title and the body."""
        said = {name: getattr(one, name) for name in ("state", "by", "asked_at", "settled_at")}
        return cls(
            **said, reason=reason_out(one.reason), before=list(one.before), after=list(one.after)
        )


class NextOut(BaseModel):
    """The next step of a delivery: a text, the time at which it will or would be published
    automatically (`at`, or null), the names of those who must act (`who`), and the reason why it
    waits or is blocked (`why`). `troubles` lists the problems that would currently prevent
    publishing."""

    code: str
    text: str
    at: datetime | None
    who: str
    why: ReasonOut | None
    troubles: list[ReasonOut | None]

    @classmethod
    def of(cls, one: NextStepReport, entry: DeliveryEntry) -> "NextOut":
        """Convert from the report. The text shows times in the delivery's time zone."""
        why = reason_out(one.next.why)
        at = f"at {_format_wall_time(publish_time(entry), entry)}"
        said = {"at": at, "who": one.next.who, "why": why.text if why is not None else ""}
        said |= {
            name: _format_wall_time(at, entry) if at is not None else ""
            for name, at in (("late", entry.late_until), ("ends", entry.expires_at))
        }
        return cls(
            code=one.next.code,
            text=render_message(Message(one.next.code, dict(said)), ERROR_LANGUAGE),
            at=one.at,
            who=one.next.who,
            why=why,
            troubles=[reason_out(each) for each in one.troubles],
        )


def _format_wall_time(at: datetime, entry: DeliveryEntry) -> str:
    wall = to_wall_time(at, entry.zone)
    return f"{wall.day} {wall.clock:%H:%M} ({wall.zone})"


class DeliveryStory(DeliveryOut):
    """A delivery with its history, oldest entries first, and its next step."""

    moves: list[MoveOut]
    attempts: list[AttemptOut]
    edits: list[EditOut]
    next: NextOut

    @classmethod
    def from_detail(cls, one: DeliveryDetail, ahead: NextStepReport) -> "DeliveryStory":
        moves = [MoveOut.of(move) for move in one.moves]
        attempts = [AttemptOut.of(each) for each in one.attempts]
        edits = [EditOut.of(each) for each in one.edits]
        coming = NextOut.of(ahead, one.entry)
        return cls(
            **delivery_fields(one.entry), moves=moves, attempts=attempts, edits=edits, next=coming
        )
