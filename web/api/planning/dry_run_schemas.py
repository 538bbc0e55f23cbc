"""Requests and responses about dry runs and the publishing forecast."""

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
    """The object to put in dry run mode: a post, an account (`channel`), or the whole agency
    (`tenant`, without an ID)."""

    model_config = example_config({"what": "post", "of_id": EXAMPLE_POST_ID})

    what: DryRunTarget
    of_id: UUID | None = None


class RehearsalOut(BaseModel):
    """An object in dry run mode."""

    what: DryRunTarget
    of_id: UUID


class BegunOut(RehearsalOut):
    """An object in dry run mode, and the number of its upcoming deliveries."""

    ahead: int


class RehearsalsOut(BaseModel):
    """All objects in dry run mode that the key may access."""

    items: list[RehearsalOut]


class ForecastQuery(RequestModel):
    """The number of days and the creator of the forecast."""

    days: Annotated[int, Field(ge=1, le=MAX_FORECAST_DAYS)] = 7
    creator: UUID | None = None


class AheadOut(BaseModel):
    """An upcoming delivery and the reasons that would prevent it from being published now. `dry` is
    true if it is a dry run."""

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
        names = ("delivery_id", "creator_id", "channel_id", "words", "due_at", "zone", "dry")
        stopped = [] if one.trouble is None else [one.trouble, *one.also]
        return cls(
            **{name: getattr(one, name) for name in names},
            troubles=[reason_out(each) for each in stopped],
        )


class CollisionOut(BaseModel):
    """Two deliveries closer together than the minimum interval of their account, in seconds."""

    account: str
    first: UUID
    second: UUID
    apart: int
    wanted: int

    @classmethod
    def of(cls, one: IntervalConflict) -> "CollisionOut":
        gaps = {"apart": int(one.apart.total_seconds()), "wanted": int(one.wanted.total_seconds())}
        return cls(account=one.account, first=one.first, second=one.second, **gaps)


class HeldBackOut(BaseModel):
    """An account with upcoming posts, and the limit that delays them at present."""

    account: str
    ahead: int
    until: datetime | None
    why: ReasonOut | None


class EndingOut(BaseModel):
    """Something that expires within the forecast, and the number of posts due after that."""

    what: ReasonOut | None
    at: datetime
    posts: int

    @classmethod
    def of(cls, one: UpcomingExpiry) -> "EndingOut":
        return cls(what=reason_out(one.what), at=one.at, posts=one.posts)


class OutlookOut(BaseModel):
    """The publishing forecast, calculated at `now`. `more` counts posts beyond the limit, which
    were not checked."""

    now: datetime
    days: int
    ahead: list[AheadOut]
    more: int
    collisions: list[CollisionOut]
    accounts: list[HeldBackOut]
    endings: list[EndingOut]

    @classmethod
    def of(cls, one: PublishingForecast) -> "OutlookOut":
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
