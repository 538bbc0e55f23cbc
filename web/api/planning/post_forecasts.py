"""API routes of the best times of an account, and of the expected results of a creator's posts."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from foundation.db.database import OpenScope, Scope
from insights.analysis import timing
from insights.analysis.timing import TimingEvidence
from insights.predictions import post_forecasts
from insights.predictions.post_forecasts import RunningPost, ScheduledPost
from tenants.api_keys.keys import ApiKeyScope
from web.api.channels.router import find_channel
from web.api.common.calls import ApiCall, Caller, read_dependency


class BestHourOut(BaseModel):
    """An hour that is better than usual beyond chance: the difference as a ratio (0.3 is 30 % more)
    with its 80 % interval."""

    weekend: bool
    hour: int
    lift: float
    low: float
    high: float


class HourCellOut(BaseModel):
    """The posts of an hour of a weekday (0 is Monday) and their result relative to the account's
    usual one."""

    weekday: int
    hour: int
    posts: int
    share: float


class UpliftOut(BaseModel):
    """Posts at chosen hours relative to posts at random hours of automatic slots, with an 80 %
    interval; null until `lacking` is 0."""

    chosen: int
    random: int
    lacking: int
    share: float | None
    low: float | None
    high: float | None


class BestTimesOut(BaseModel):
    """The posting times of an account in its creator's time zone. `lacking` more measured posts are
    needed for suggestions."""

    posts: int
    lacking: int
    hours: list[BestHourOut]
    cells: list[HourCellOut]
    uplift: UpliftOut

    @classmethod
    def of(cls, one: TimingEvidence) -> "BestTimesOut":
        uplift = one.uplift
        return cls(
            posts=one.advice.posts,
            lacking=one.advice.lacking,
            hours=[
                BestHourOut(
                    weekend=each.weekend,
                    hour=each.clock,
                    lift=each.lift,
                    low=each.low,
                    high=each.high,
                )
                for each in one.advice.hours
            ],
            cells=[
                HourCellOut(
                    weekday=each.weekday, hour=each.hour, posts=each.posts, share=each.share
                )
                for each in one.cells
            ],
            uplift=UpliftOut(
                chosen=uplift.chosen,
                random=uplift.random,
                lacking=uplift.lacking,
                share=uplift.share,
                low=uplift.low,
                high=uplift.high,
            ),
        )


class RunningPostOut(BaseModel):
    """A post of the last seven days: its `count` of `metric` after `age_hours`, and the count after
    seven days with its 80 % range; null without enough past posts."""

    delivery_id: UUID
    channel_id: UUID
    published_at: datetime
    metric: str
    age_hours: int
    count: int
    expected: int | None
    low: int | None
    high: int | None
    pooled: bool

    @classmethod
    def of(cls, one: RunningPost) -> "RunningPostOut":
        return cls(
            delivery_id=one.post.delivery_id,
            channel_id=one.post.channel_id,
            published_at=one.post.at,
            metric=one.metric,
            age_hours=one.age_hours,
            count=one.count,
            expected=one.range and one.range.expected,
            low=one.range and one.range.low,
            high=one.range and one.range.high,
            pooled=one.is_pooled,
        )


class ScheduledPostOut(BaseModel):
    """A scheduled post: the share of past posts that it is expected to beat, null without a proven
    rank, and the words and features for and against it."""

    delivery_id: UUID
    channel_id: UUID
    due_at: datetime
    rank: float | None
    raises: list[str]
    lowers: list[str]

    @classmethod
    def of(cls, one: ScheduledPost) -> "ScheduledPostOut":
        return cls(
            delivery_id=one.entry.delivery_id,
            channel_id=one.entry.channel_id,
            due_at=one.entry.due_at,
            rank=one.rank and one.rank.share,
            raises=list(one.rank.better) if one.rank else [],
            lowers=list(one.rank.worse) if one.rank else [],
        )


class PostForecastsOut(BaseModel):
    """The running posts of a creator, newest first, and the scheduled ones, earliest first."""

    running: list[RunningPostOut]
    scheduled: list[ScheduledPostOut]


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes of best times and post forecasts."""
    routes = APIRouter(tags=["queues"])
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("/channels/{channel_id}/best-times", response_model=BestTimesOut)
    def get_best_times(channel_id: UUID, call: Annotated[ApiCall, can_read]) -> BestTimesOut:
        """Return the best posting times of an account with their evidence. Requires the
        `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> TimingEvidence:
            channel = find_channel(scope, sight, channel_id)
            creator = sight.get_creator(channel.creator_id)
            return timing.load_timing_evidence(scope, creator, channel.id)

        return BestTimesOut.of(call.read(ask))

    @routes.get("/creators/{creator_id}/post-forecasts", response_model=PostForecastsOut)
    def get_post_forecasts(
        creator_id: UUID, call: Annotated[ApiCall, can_read]
    ) -> PostForecastsOut:
        """Return the expected results of a creator's running posts and the ranks of the scheduled
        ones. Requires the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> PostForecastsOut:
            creators = [sight.get_creator(creator_id)]
            running = post_forecasts.list_running_posts(scope, creators)
            scheduled = post_forecasts.list_scheduled_posts(scope, creators)
            return PostForecastsOut(
                running=[RunningPostOut.of(one) for one in running],
                scheduled=[ScheduledPostOut.of(one) for one in scheduled],
            )

        return call.read(ask)

    return routes
