"""The story of a delivery at the edge: its steps, what was tried at the platform, other words, and what comes next."""

from datetime import datetime

from pydantic import BaseModel

from channels.reads import AttemptStory
from foundation.words import Message, say
from schedules.calendar import local_wall
from schedules.coming import Ahead, leaves_at
from schedules.edit_reads import Reworded
from schedules.listing import Told
from schedules.reads import Entry, Step
from schedules.states import DeliveryState, EditState
from web.api_errors import LANGUAGE
from web.api_models import DeliveryOut, ReasonOut, reason, said_of


class MoveOut(BaseModel):
    """One step of a delivery."""

    at: datetime
    before: DeliveryState
    after: DeliveryState
    by: str
    reason: ReasonOut | None

    @classmethod
    def of(cls, one: Step) -> "MoveOut":
        """Of the room's value."""
        return cls(at=one.at, before=one.before, after=one.after, by=one.by, reason=reason(one.reason))


class AttemptOut(BaseModel):
    """One try at the platform, and what came of it."""

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
    def of(cls, one: AttemptStory) -> "AttemptOut":
        """Of the room's value."""
        return cls(
            kind=one.kind,
            part=one.part,
            number=one.n,
            begun_at=one.armed_at,
            ended_at=one.closed_at,
            outcome=one.outcome,
            http_status=one.http_status,
            detail=reason(one.detail),
            url=one.url,
        )


class EditOut(BaseModel):
    """Other words that a delivery was to say, and what came of it."""

    state: EditState
    reason: ReasonOut | None
    before: list[str]
    after: list[str]
    by: str
    asked_at: datetime
    settled_at: datetime | None

    @classmethod
    def of(cls, one: Reworded) -> "EditOut":
        """Of the room's value; words are the title and the body."""
        said = {name: getattr(one, name) for name in ("state", "by", "asked_at", "settled_at")}
        return cls(**said, reason=reason(one.reason), before=list(one.before), after=list(one.after))


class NextOut(BaseModel):
    """What happens next: its sentence, the instant at which it leaves by itself, or would (`at`; null for what does
    not), who must act (`who`, by name), what it waits for or
    what stops it (`why`), and what would stop it if it were its hour now."""

    code: str
    text: str
    at: datetime | None
    who: str
    why: ReasonOut | None
    troubles: list[ReasonOut | None]

    @classmethod
    def of(cls, one: Ahead, entry: Entry) -> "NextOut":
        """Of the room's values; the sentence says hours on the delivery's own clock."""
        why = reason(one.next.why)
        at = f"at {_hour(leaves_at(entry), entry)}"
        said = {"at": at, "who": one.next.who, "why": why.text if why is not None else ""}
        said |= {
            name: _hour(at, entry) if at is not None else ""
            for name, at in (("late", entry.late_until), ("ends", entry.ends_at))
        }
        return cls(
            code=one.next.code,
            text=say(Message(one.next.code, dict(said)), LANGUAGE),
            at=one.at,
            who=one.next.who,
            why=why,
            troubles=[reason(each) for each in one.troubles],
        )


def _hour(at: datetime, entry: Entry) -> str:
    wall = local_wall(at, entry.zone)
    return f"{wall.day} {wall.clock:%H:%M} ({wall.zone})"


class DeliveryStory(DeliveryOut):
    """A delivery with everything that happened to it, oldest first, and what comes next."""

    moves: list[MoveOut]
    attempts: list[AttemptOut]
    edits: list[EditOut]
    next: NextOut

    @classmethod
    def told(cls, one: Told, ahead: Ahead) -> "DeliveryStory":
        """Of the room's values."""
        moves = [MoveOut.of(move) for move in one.moves]
        attempts, edits = [AttemptOut.of(each) for each in one.attempts], [EditOut.of(each) for each in one.edits]
        coming = NextOut.of(ahead, one.entry)
        return cls(**said_of(one.entry), moves=moves, attempts=attempts, edits=edits, next=coming)
