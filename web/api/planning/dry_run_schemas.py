"""Rehearsals at the edge: what is only rehearsed, and the days ahead as they would go."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from schedules.calendar.publishing_forecast import (
    MAX_FORECAST_DAYS,
    ForecastEntry,
    IntervalConflict,
    PublishingForecast,
    UpcomingExpiry,
)
from schedules.posts.dry_run_state import DryRunTarget
from web.api.common.schemas import (
    EXAMPLE_POST_ID,
    ReasonOut,
    RequestModel,
    example_config,
    reason_out,
)


class RehearsalIn(RequestModel):
    """What is only rehearsed from now on: a post, an account (`channel`) or the whole agency
    (`tenant`, no id)."""

    model_config = example_config({"what": "post", "of_id": EXAMPLE_POST_ID})

    what: DryRunTarget
    of_id: UUID | None = None


class RehearsalOut(BaseModel):
    """What is only rehearsed for now."""

    what: DryRunTarget
    of_id: UUID


class BegunOut(RehearsalOut):
    """The same, and how many of its deliveries are ahead."""

    ahead: int


class RehearsalsOut(BaseModel):
    """What is only rehearsed for now and touches what this key may see."""

    items: list[RehearsalOut]


class ForecastQuery(RequestModel):
    """How many days, and of whom."""

    days: Annotated[int, Field(ge=1, le=MAX_FORECAST_DAYS)] = 7
    creator: UUID | None = None


class AheadOut(BaseModel):
    """One delivery that is due, and what would stop it if that were now; `dry`: it is only
    rehearsed."""

    delivery_id: UUID
    creator_id: UUID
    channel_id: UUID
    words: str
    due_at: datetime
    zone: str
    dry: bool
    troubles: list[ReasonOut | None]

    @classmethod
    def of(cls, one: ForecastEntry) -> "AheadOut":
        """Of the room's value."""
        names = ("delivery_id", "creator_id", "channel_id", "words", "due_at", "zone", "dry")
        stopped = [] if one.trouble is None else [one.trouble, *one.also]
        return cls(
            **{name: getattr(one, name) for name in names},
            troubles=[reason_out(each) for each in stopped],
        )


class CollisionOut(BaseModel):
    """Two deliveries of one account nearer than it wants, in seconds."""

    account: str
    first: UUID
    second: UUID
    apart: int
    wanted: int

    @classmethod
    def of(cls, one: IntervalConflict) -> "CollisionOut":
        """Of the room's value."""
        gaps = {"apart": int(one.apart.total_seconds()), "wanted": int(one.wanted.total_seconds())}
        return cls(account=one.account, first=one.first, second=one.second, **gaps)


class HeldBackOut(BaseModel):
    """An account with so many posts ahead; what holds it back now, until when."""

    account: str
    ahead: int
    until: datetime | None
    why: ReasonOut | None


class EndingOut(BaseModel):
    """Something that runs out within the days, and how many posts are due after it."""

    what: ReasonOut | None
    at: datetime
    posts: int

    @classmethod
    def of(cls, one: UpcomingExpiry) -> "EndingOut":
        """Of the room's value."""
        return cls(what=reason_out(one.what), at=one.at, posts=one.posts)


class OutlookOut(BaseModel):
    """The days ahead, rehearsed as of `now`; `more` posts were too many to be judged."""

    now: datetime
    days: int
    ahead: list[AheadOut]
    more: int
    collisions: list[CollisionOut]
    accounts: list[HeldBackOut]
    endings: list[EndingOut]

    @classmethod
    def of(cls, one: PublishingForecast) -> "OutlookOut":
        """Of the room's value."""
        held = [
            HeldBackOut(account=o.account, ahead=o.ahead, until=o.until, why=reason_out(o.why))
            for o in one.budgets
        ]
        return cls(
            now=one.now,
            days=one.days,
            ahead=[AheadOut.of(each) for each in one.ahead],
            more=one.more,
            collisions=[CollisionOut.of(each) for each in one.collisions],
            accounts=held,
            endings=[EndingOut.of(each) for each in one.endings],
        )
