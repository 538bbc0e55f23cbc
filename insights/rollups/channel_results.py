"""Accounts beside each other over a period: followers, posts, views and reliability."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from channels.accounts.queries import Channel, list_channels
from foundation.db.database import Scope
from foundation.ops.wall_time import day_bounds
from insights.metrics import catalog
from insights.metrics.followers import gained_followers
from insights.rollups.creator_facts import POST_COUNTS
from insights.rollups.metric_queries import load_channel_days
from insights.rollups.periods import AnalyticsPeriod, DateRange
from schedules.posts import live_posts
from schedules.posts.daily_counts import count_deliveries_by_day
from subscribers.orders import sales
from tenants.agencies.queries import Creator

FOLLOWERS = "followers"
COUNTERS = ("views", "likes", "comments", "shares", "saves", "sends", "clicks")
"""Counters of posts, which are added up over the days of a period."""
POST_AGE = 24
"""Age in hours at which the posts of accounts are compared."""


_POST_SUMS = """
WITH measured AS (
  SELECT channel_id, delivery_id, max(value) FILTER (WHERE metric = 'views') AS views,
    max(value) FILTER (WHERE metric = 'reach') AS reach,
    sum(value) FILTER (WHERE metric = ANY(CAST(:interactions AS text[]))) AS interactions
  FROM metric_snapshots WHERE tenant_id = :tenant AND age_hours = :age AND value IS NOT NULL
    AND delivery_id = ANY(CAST(:ids AS uuid[]))
  GROUP BY channel_id, delivery_id
)
SELECT channel_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY views) AS typical_views,
  sum(interactions) FILTER (WHERE reach IS NOT NULL)
    / nullif(sum(reach) FILTER (WHERE interactions IS NOT NULL), 0) AS by_reach,
  sum(interactions) FILTER (WHERE views IS NOT NULL)
    / nullif(sum(views) FILTER (WHERE interactions IS NOT NULL), 0) AS by_views
FROM measured GROUP BY channel_id
"""


@dataclass(frozen=True)
class PostSums:
    """Results of all posts of an account at an equal age: the median of their views, and ratios of
    sums over the posts that have both metrics. None without any."""

    typical_views: float | None = None
    engagement_by_reach: float | None = None
    engagement_by_views: float | None = None


@dataclass(frozen=True)
class ChannelResult:
    """An account in a period. `values` are the sums of its counters, `before` those of the earlier
    period; counters that were not reported are absent. `days` are the values of each day by metric.
    """

    channel: Channel
    creator: Creator
    values: Mapping[str, int]
    before: Mapping[str, int]
    posts: PostSums = field(default_factory=PostSums)
    """The posts of the period, 24 hours after each."""
    days: Mapping[str, Mapping[date, int]] = field(default_factory=dict)
    followers_before: int | None = None
    """The last count before the period."""

    def metric(self, code: str) -> float | None:
        """Return a metric of the catalogue in the period, or None ("n/a")."""
        return catalog.calculate(code, self.values)

    @property
    def followers(self) -> int | None:
        """Return the last follower count of the period."""
        counts = self.days.get(FOLLOWERS, {})
        return counts[max(counts)] if counts else None

    @property
    def followers_gained(self) -> int | None:
        """Return the new followers of the period, as `gained_followers` defines them."""
        return gained_followers(self.days.get(FOLLOWERS, {}), self.followers_before)

    @property
    def growth(self) -> float | None:
        """Return the change of the follower count as a share of the count before."""
        gained = self.followers_gained
        followers = self.followers
        if gained is None or followers is None or followers - gained <= 0:
            return None
        return gained / (followers - gained)


def list_channel_results(
    scope: Scope, creators: Sequence[Creator], period: AnalyticsPeriod
) -> list[ChannelResult]:
    """Return the accounts of these creators, most followers first, without accounts that have no
    post, follower count or metric in the period.

    Days are those of each creator's time zone. Raises BadInput for an invalid period.
    """
    sales.check_period(period.first, period.last)
    ids = [one.id for one in creators]
    people = {one.id: one for one in creators}
    now = _load_days(scope, ids, DateRange(period.first, period.last))
    before = _load_days(scope, ids, period.before) if period.before else {}
    previous = AnalyticsPeriod(period.first, period.last).before
    counts = _load_followers(scope, ids, previous) if previous else {}
    posts = _load_post_sums(scope, creators, period)
    outcomes = _load_outcomes(scope, creators, period)
    found = []
    for channel in list_channels(scope):
        days = now.get(channel.id, {})
        ends = outcomes.get(channel.id, {})
        if channel.creator_id not in people or not (days or ends):
            continue
        found.append(
            ChannelResult(
                channel=channel,
                creator=people[channel.creator_id],
                values=_sum_days(days) | ends,
                before=_sum_days(before.get(channel.id, {})),
                posts=posts.get(channel.id, PostSums()),
                days=days,
                followers_before=counts.get(channel.id),
            )
        )
    return sorted(found, key=lambda one: (-(one.followers or 0), one.channel.name.casefold()))


def count_new_followers(scope: Scope, creators: Sequence[Creator], days: DateRange) -> int | None:
    """Return the new followers of all accounts in these days, or None without two counts of any."""
    length = days.last - days.first + timedelta(days=1)
    ids = [one.id for one in creators]
    every = _load_followers_by_day(scope, ids, DateRange(days.first - length, days.last))
    gains = []
    for counts in every.values():
        inside = {day: count for day, count in counts.items() if day >= days.first}
        earlier = [day for day in counts if day < days.first]
        before = counts[max(earlier)] if earlier else None
        gains.append(gained_followers(inside, before) if inside else None)
    known = [one for one in gains if one is not None]
    return sum(known) if known else None


def _load_followers_by_day(
    scope: Scope, ids: Sequence[UUID], days: DateRange
) -> dict[UUID, dict[date, int]]:
    found: dict[UUID, dict[date, int]] = {}
    for one in load_channel_days(scope, ids, (FOLLOWERS,), days.first, days.last):
        found.setdefault(one.channel_id, {})[one.day] = one.value
    return found


def _load_post_sums(
    scope: Scope, creators: Sequence[Creator], period: AnalyticsPeriod
) -> Mapping[UUID, PostSums]:
    """Return the results of all posts of the period by account, without their content."""
    ids: list[UUID] = []
    for one in creators:
        start = day_bounds(period.first, one.zone)[0]
        end = day_bounds(period.last, one.zone)[1]
        ids += live_posts.list_published_deliveries(scope, one.id, start, end)
    rows = scope.run(
        _POST_SUMS,
        tenant=scope.tenant_id,
        ids=ids,
        age=POST_AGE,
        interactions=catalog.METRICS["interactions"].formula.split(" + "),
    )
    return {
        row.channel_id: PostSums(
            row.typical_views,
            float(row.by_reach) if row.by_reach is not None else None,
            float(row.by_views) if row.by_views is not None else None,
        )
        for row in rows
    }


def _load_outcomes(
    scope: Scope, creators: Sequence[Creator], period: AnalyticsPeriod
) -> dict[UUID, dict[str, int]]:
    """Return the posts of each account by outcome, as metrics of the catalogue."""
    found: dict[UUID, dict[str, int]] = {}
    for one in creators:
        start = day_bounds(period.first, one.zone)[0]
        end = day_bounds(period.last, one.zone)[1]
        for day in count_deliveries_by_day(scope, one.id, start, end, zone=one.zone):
            sums = found.setdefault(day.channel_id, {})
            for code, value in zip(POST_COUNTS, (day.published, day.failed, day.late), strict=True):
                sums[code] = sums.get(code, 0) + value
    return found


DaysByMetric = dict[str, dict[date, int]]


def _load_days(scope: Scope, ids: Sequence[UUID], days: DateRange) -> dict[UUID, DaysByMetric]:
    found: dict[UUID, DaysByMetric] = {}
    for one in load_channel_days(scope, ids, (*COUNTERS, FOLLOWERS), days.first, days.last):
        of_channel = found.setdefault(one.channel_id, {})
        of_channel.setdefault(one.metric, {})[one.day] = one.value
    return found


def _load_followers(scope: Scope, ids: Sequence[UUID], days: DateRange) -> dict[UUID, int]:
    """Return the last follower count of each account in these days."""
    rows = load_channel_days(scope, ids, (FOLLOWERS,), days.first, days.last)
    return {one.channel_id: one.value for one in rows if one.metric == FOLLOWERS}


def _sum_days(days: Mapping[str, Mapping[date, int]]) -> dict[str, int]:
    return {code: sum(values.values()) for code, values in days.items() if code != FOLLOWERS}
