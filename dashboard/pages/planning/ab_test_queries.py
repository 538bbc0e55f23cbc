"""Queries of A/B tests: a creator's tests with their results, and series that can be tested."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from channels.accounts.queries import Channel, list_creator_channels
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from insights.analysis import ab_test_verdicts
from insights.analysis.ab_test_verdicts import AbTestVerdict
from schedules.posts.channel_overrides import PostContent
from schedules.posts.queries import MAX_PAGE_SIZE, get_stored_post
from schedules.posts.states import SeriesState
from schedules.recurrence import ab_tests, queries
from schedules.recurrence.ab_tests import AbTestStatus, VariantTest
from studio.library import assets
from studio.library.assets import AssetTile
from tenants.agencies.queries import Creator

PICTURES = 60
"""Number of newest images to choose from."""


@dataclass(frozen=True)
class AbTestView:
    """A test, its two versions and its result."""

    test: VariantTest
    account: str
    a: PostContent
    b: PostContent
    verdict: AbTestVerdict
    said: Message

    @property
    def needs_decision(self) -> bool:
        """Return True if the test is complete and a member must choose a version. Until then
        version A is used."""
        return self.test.state is AbTestStatus.RUNNING and self.verdict.is_final


@dataclass(frozen=True)
class AbTestCandidate:
    """A series that can be tested: its content and its next dates on one channel."""

    series_id: UUID
    account: str
    said: PostContent
    dates: Sequence[date]


@dataclass(frozen=True)
class AbTestsView:
    """The data of a creator's A/B tests."""

    creator: Creator
    tests: Sequence[AbTestView]
    offered: Sequence[AbTestCandidate]
    tiles: Sequence[AssetTile]


def load_ab_tests(scope: Scope, creator: Creator) -> AbTestsView:
    """Return a creator's tests and the series that can be tested."""
    accounts = {one.id: one for one in list_creator_channels(scope, creator.id)}
    tests = ab_tests.tests_of_creators(scope, [creator.id])
    return AbTestsView(
        creator,
        [_build_ab_test_view(scope, one, accounts[one.channel_id]) for one in tests],
        _list_ab_test_candidates(
            scope, creator, accounts, {one.series_id for one in tests if one.ended_at is None}
        ),
        assets.list_asset_tiles(scope, creator.id, limit=PICTURES),
    )


def _build_ab_test_view(scope: Scope, test: VariantTest, channel: Channel) -> AbTestView:
    a, b = (
        get_stored_post(scope, one).content_for_channel(channel) for one in (test.a_id, test.b_id)
    )
    found = ab_test_verdicts.judge_test(scope, test)
    return AbTestView(
        test, channel.name, a, b, found, ab_test_verdicts.verdict_message(test, found)
    )


def _list_ab_test_candidates(
    scope: Scope, creator: Creator, accounts: dict[UUID, Channel], running: set[UUID]
) -> list[AbTestCandidate]:
    found = []
    for one in queries.list_series_records(scope, [creator.id], before=None, limit=MAX_PAGE_SIZE):
        series = one.series
        if (
            series.state is SeriesState.STOPPED
            or series.id in running
            or len(one.channels) != 1
            or not series.coming
        ):
            continue
        channel = accounts[one.channels[0]]
        said = get_stored_post(scope, one.post_id).content_for_channel(channel)
        found.append(
            AbTestCandidate(series.id, channel.name, said, [wall.day for wall in series.coming])
        )
    return found
