"""Two versions of what a series says: a creator's tests with what may be said of them, and what could be tested."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from channels import reads as channel_reads
from channels.reads import Channel
from foundation.database import Scope
from foundation.words import Message
from insights import experiments
from insights.experiments import Verdict
from schedules import listing, series_listing, variants
from schedules import reads as schedule_reads
from schedules.overrides import Content
from schedules.states import SeriesState
from schedules.variants import Listed, Standing
from studio import library
from studio.library import Tile
from tenants.reads import Creator

PICTURES = 60
"""Pictures to choose from, the newest first."""


@dataclass(frozen=True)
class Shown:
    """A test, the two versions as they stand, and what may be said of it."""

    test: Listed
    account: str
    a: Content
    b: Content
    verdict: Verdict
    said: Message

    @property
    def waits(self) -> bool:
        """Whether it has its size, and somebody has to say which version goes on: until then it is A."""
        return self.test.state is Standing.RUNNING and self.verdict.stays


@dataclass(frozen=True)
class Offered:
    """A series that could be tested: what it says on its account, and its next dates."""

    series_id: UUID
    account: str
    said: Content
    dates: Sequence[date]


@dataclass(frozen=True)
class Compared:
    """All that is drawn of a creator's tests."""

    creator: Creator
    tests: Sequence[Shown]
    offered: Sequence[Offered]
    tiles: Sequence[Tile]


def compared(scope: Scope, creator: Creator) -> Compared:
    """A creator's tests, and what could be tested."""
    accounts = {one.id: one for one in channel_reads.channels_of(scope, creator.id)}
    tests = variants.of_creators(scope, [creator.id])
    return Compared(
        creator,
        [_shown(scope, one, accounts[one.channel_id]) for one in tests],
        _offered(scope, creator, accounts, {one.series_id for one in tests if one.ended_at is None}),
        library.tiles(scope, creator.id, limit=PICTURES),
    )


def _shown(scope: Scope, test: Listed, channel: Channel) -> Shown:
    a, b = (schedule_reads.written_post(scope, one).on(channel) for one in (test.a_id, test.b_id))
    found = experiments.verdict(scope, test)
    return Shown(test, channel.name, a, b, found, experiments.said_of(test, found))


def _offered(scope: Scope, creator: Creator, accounts: dict[UUID, Channel], running: set[UUID]) -> list[Offered]:
    found = []
    for one in series_listing.listed(scope, [creator.id], before=None, limit=listing.MOST):
        series = one.series
        if series.state is SeriesState.STOPPED or series.id in running or len(one.channels) != 1 or not series.coming:
            continue
        channel = accounts[one.channels[0]]
        said = schedule_reads.written_post(scope, one.post_id).on(channel)
        found.append(Offered(series.id, channel.name, said, [wall.day for wall in series.coming]))
    return found
