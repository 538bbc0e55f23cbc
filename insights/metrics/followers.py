"""Follower counts of accounts: requested several times a day; the last count of a local day is
stored for that day."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Protocol
from uuid import UUID

from channels.accounts import queries
from channels.accounts.states import ChannelState
from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.ops.wall_time import local_day
from foundation.outbox import outbox
from foundation.outbox.outbox import put_coalesced
from insights.metrics.counter_series import find_failed_values
from insights.metrics.events import FollowersDue
from tenants.agencies.queries import get_creator

COUNTING = "system:counting"
CONTEXT = timedelta(days=31)
"""Days before and after a period that decide whether a count in it failed."""

LASTING_COUNTS = 3
"""Number of daily counts after which a fall to almost nothing is believed."""

HURRIED = timedelta(minutes=1)
"""Time during which follow events are collected before the platform is called."""


class CountFollowers(Protocol):
    """Return the number of followers of an account, or None if the platform reports none. No
    transaction is open."""

    def __call__(self, tenant_id: UUID, channel_id: UUID, /) -> int | None: ...


def schedule_follower_counts(scope: Scope) -> None:
    """Queue a count for each active account, at most one per account."""
    for channel in queries.list_channels(scope):
        if channel.state == ChannelState.ACTIVE:
            outbox.put(
                scope, FollowersDue(scope.tenant_id, channel.id), dedupe=f"followers:{channel.id}"
            )


def expedite_follower_count(scope: Scope, channel_id: UUID) -> None:
    """Queue a count within a minute after a follow or unfollow; further events are coalesced."""
    put_coalesced(scope, FollowersDue(scope.tenant_id, channel_id), within=HURRIED)


def count_followers(
    event: FollowersDue, *, tenant: OpenScope, ask: CountFollowers, dear: Collection[str] = ()
) -> None:
    """Request the follower count and store it for today. Without a number nothing changes; it never
    counts as zero.

    `dear` contains the platforms that charge per request: they are called only until they have
    reported one count per day.
    """
    with tenant(event.tenant_id, COUNTING) as scope:
        channel = queries.get_channel(scope, event.subject_id)
        zone = get_creator(scope, channel.creator_id).zone
        today = local_day(scope.now, zone)
        if channel.platform in dear and channel.id in followers_by_day(
            scope, channel.creator_id, today, today
        ):
            return
    followers = ask(event.tenant_id, event.subject_id)
    if followers is None:
        return
    with tenant(event.tenant_id, COUNTING) as scope:
        # A delayed, older response must not replace a newer count.
        scope.run(
            "INSERT INTO followers_daily (tenant_id, id, creator_id, channel_id, day, followers, "
            "observed_at)"
            " VALUES (:tenant, :id, :creator, :channel, :day, :followers, :now)"
            " ON CONFLICT (tenant_id, channel_id, day) DO UPDATE SET followers = "
            "EXCLUDED.followers,"
            " observed_at = EXCLUDED.observed_at, updated_at = house_now()"
            " WHERE followers_daily.observed_at <= EXCLUDED.observed_at",
            tenant=scope.tenant_id,
            id=uuid7(),
            creator=channel.creator_id,
            channel=channel.id,
            day=local_day(scope.now, zone),
            followers=followers,
            now=scope.now,
        )


@dataclass(frozen=True)
class DailyCount:
    """The follower count of an account on a local day."""

    creator_id: UUID
    channel_id: UUID
    day: date
    followers: int


@dataclass(frozen=True)
class AccountFollowers:
    """Followers of an account on a day; `change` is relative to the day before, or None if that is
    unknown."""

    account: str
    followers: int
    change: int | None


def followers_on_day(scope: Scope, creator_id: UUID, day: date) -> list[AccountFollowers]:
    """Return the accounts with a count on a local day, most followers first."""
    before = day - timedelta(days=1)
    names = queries.channel_names(scope)
    found = followers_by_day(scope, creator_id, before, day)
    crowds = [
        AccountFollowers(
            names[channel], told[day], told[day] - told[before] if before in told else None
        )
        for channel, told in found.items()
        if day in told
    ]
    return sorted(crowds, key=lambda one: one.followers, reverse=True)


def followers_by_day(
    scope: Scope, creator_id: UUID, first: date, last: date
) -> dict[UUID, dict[date, int]]:
    """Return the follower counts of a creator's accounts per local day from `first` to `last`
    inclusive; days without a count, or with a failed one, are absent."""
    found: dict[UUID, dict[date, int]] = {}
    for row in load_daily_counts(scope, (creator_id,), first, last):
        found.setdefault(row.channel_id, {})[row.day] = row.followers
    return found


def load_daily_counts(
    scope: Scope, creator_ids: Collection[UUID], first: date, last: date
) -> list[DailyCount]:
    """Return the follower counts of all accounts of creators per local day from `first` to `last`
    inclusive, by account and day, without failed counts."""
    rows = scope.run(
        "SELECT creator_id, channel_id, day, followers FROM followers_daily"
        " WHERE tenant_id = :tenant AND creator_id = ANY(CAST(:creators AS uuid[]))"
        " AND day BETWEEN :first AND :last ORDER BY channel_id, day",
        tenant=scope.tenant_id,
        creators=list(creator_ids),
        first=first - CONTEXT,
        last=last + CONTEXT,
    )
    counts = [DailyCount(row.creator_id, row.channel_id, row.day, row.followers) for row in rows]
    kept = list[DailyCount]()
    for _, found in groupby(counts, key=attrgetter("channel_id")):
        days = list(found)
        failed = _find_failed_counts([one.followers for one in days])
        kept += [
            one
            for place, one in enumerate(days)
            if place not in failed and first <= one.day <= last
        ]
    return kept


def _find_failed_counts(counts: Sequence[int]) -> frozenset[int]:
    """Return the places of failed counts, by the rule of post counters. A fall at the end counts
    as one too until it has lasted `LASTING_COUNTS` days, because one failed request would look like
    the loss of all followers."""
    failed = find_failed_values(counts)
    undecided = find_failed_values([*counts, max(counts, default=0)]) - failed
    return failed | undecided if len(undecided) < LASTING_COUNTS else failed


def gained_followers(days: Mapping[date, int], before: int | None) -> int | None:
    """Return the change of a follower count in a period: from the last count before it, or else
    from the first one in it, to its last one. None if two counts are not known. Pure."""
    counts = [days[day] for day in sorted(days)]
    if before is not None:
        counts.insert(0, before)
    return counts[-1] - counts[0] if days and len(counts) > 1 else None
