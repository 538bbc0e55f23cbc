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
    versions: Sequence[tuple[str, UUID, PostContent]]
    verdict: AbTestVerdict
    said: Message

    @property
    def needs_decision(self) -> bool:
        """Return True if the test is complete and a member must choose a version. Until then
        version A is used."""
        return self.test.state is AbTestStatus.RUNNING and self.verdict.is_final


@dataclass(frozen=True)
class AbTestCandidate:
    """A series that can be tested: its content on its first channel and its next dates."""

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
        [
            _build_ab_test_view(scope, one, [accounts[each] for each in one.channels])
            for one in tests
        ],
        _list_ab_test_candidates(
            scope, creator, accounts, {one.series_id for one in tests if one.ended_at is None}
        ),
        assets.list_asset_tiles(scope, creator.id, limit=PICTURES),
    )


def _build_ab_test_view(scope: Scope, test: VariantTest, channels: Sequence[Channel]) -> AbTestView:
    versions = [
        (name, post_id, get_stored_post(scope, post_id).content_for_channel(channels[0]))
        for name, post_id in test.posts.items()
    ]
    found = ab_test_verdicts.judge_test(scope, test)
    names = ", ".join(one.name for one in channels)
    return AbTestView(test, names, versions, found, ab_test_verdicts.verdict_message(test, found))


def _list_ab_test_candidates(
    scope: Scope, creator: Creator, accounts: dict[UUID, Channel], running: set[UUID]
) -> list[AbTestCandidate]:
    found = []
    for one in queries.list_series_records(scope, [creator.id], before=None, limit=MAX_PAGE_SIZE):
        series = one.series
        if (
            series.state is SeriesState.STOPPED
            or series.id in running
            or not 1 <= len(one.channels) <= ab_tests.MAX_TEST_CHANNELS
            or not series.coming
        ):
            continue
        channels = [accounts[each] for each in one.channels]
        said = get_stored_post(scope, one.post_id).content_for_channel(channels[0])
        names = ", ".join(each.name for each in channels)
        found.append(AbTestCandidate(series.id, names, said, [wall.day for wall in series.coming]))
    return found
