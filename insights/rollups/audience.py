"""The audience of some creators in a period: followers, active hours, languages, renewals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from channels.accounts.queries import Channel, list_creator_channels
from foundation.db.database import Scope
from insights.metrics import followers
from insights.rollups import metric_queries
from insights.rollups.periods import AnalyticsPeriod
from subscribers.conversations import fan_activity
from subscribers.conversations.fan_activity import ActiveHour
from subscribers.subscriptions import renewals
from subscribers.subscriptions.renewals import RenewalMonth
from tenants.agencies.queries import Creator

MONTHS = 12
"""Minimum number of months for which renewals are shown."""


@dataclass(frozen=True)
class ChannelFollowers:
    """The follower counts of an account by local day; days without a count are absent. There is at
    least one. `before` is the last count of the period before, or None."""

    channel: Channel
    creator: Creator
    days: Mapping[date, int]
    before: int | None = None

    @property
    def latest(self) -> int:
        """Return the last count of the period."""
        return self.days[max(self.days)]

    @property
    def change(self) -> int | None:
        """Return the new followers of the period, as `gained_followers` defines them."""
        return followers.gained_followers(self.days, self.before)


@dataclass(frozen=True)
class ResponseDay:
    """Replies of a creator's team to waiting fans on a local day. `values` are the metrics that
    were counted, by code; times are in seconds."""

    creator: Creator
    day: date
    values: Mapping[str, int]


RESPONSES = ("response_time_median", "response_time_p90", "answered", "unanswered")


@dataclass(frozen=True)
class AudienceAnalysis:
    """The audience of a period. Renewals cover at least the last `MONTHS` months."""

    followers: Sequence[ChannelFollowers]
    hours: Sequence[ActiveHour]
    languages: Sequence[tuple[str, int]]
    responses: Sequence[ResponseDay]
    renewals: Sequence[RenewalMonth]


def load_audience(
    scope: Scope, creators: Sequence[Creator], period: AnalyticsPeriod
) -> AudienceAnalysis:
    """Return the audience of at least one creator, each day in the time zone of its creator. Most
    followed accounts come first."""
    found = [one for creator in creators for one in _load_followers(scope, creator, period)]
    months_ago = period.last - timedelta(days=365)
    return AudienceAnalysis(
        sorted(found, key=lambda one: -one.latest),
        fan_activity.load_active_hours(scope, creators, period.first, period.last),
        fan_activity.count_fan_languages(scope, creators),
        _load_responses(scope, creators, period),
        renewals.load_renewals(scope, creators, min(period.first, months_ago), period.last),
    )


def _load_followers(
    scope: Scope, creator: Creator, period: AnalyticsPeriod
) -> list[ChannelFollowers]:
    """Return the follower counts of a creator's accounts that have one in the period."""
    channels = {one.id: one for one in list_creator_channels(scope, creator.id)}
    length = period.last - period.first + timedelta(days=1)
    every = followers.followers_by_day(scope, creator.id, period.first - length, period.last)
    found = []
    for channel_id, counts in every.items():
        days = {day: count for day, count in counts.items() if day >= period.first}
        earlier = [count for day, count in sorted(counts.items()) if day < period.first]
        if days and channel_id in channels:
            before = earlier[-1] if earlier else None
            found.append(ChannelFollowers(channels[channel_id], creator, days, before))
    return found


def _load_responses(
    scope: Scope, creators: Sequence[Creator], period: AnalyticsPeriod
) -> list[ResponseDay]:
    by_id = {one.id: one for one in creators}
    days: dict[tuple[date, UUID], dict[str, int]] = {}
    for one in metric_queries.load_creator_facts(
        scope, list(by_id), RESPONSES, period.first, period.last
    ):
        days.setdefault((one.day, one.creator_id), {})[one.metric] = int(one.value)
    return [ResponseDay(by_id[creator], day, values) for (day, creator), values in days.items()]
