"""Follower counts of accounts: the last count of each local day, never invented, limited to the
tenant."""

from collections.abc import Callable
from datetime import date, timedelta
from urllib.parse import quote
from uuid import UUID

import pytest

from channels.accounts import lifecycle
from foundation.i18n.translation import Message
from foundation.ops.wall_time import local_day
from insights.metrics import followers
from insights.metrics.events import FollowersDue
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from workers.relay.ticks import TICKS
from workers.wiring import Services

ZONE = "Europe/Paris"


def said(number: int | None) -> Callable[[UUID, UUID], int | None]:
    return lambda tenant, channel: number


def count(lea: SandboxAgency, number: int | None) -> None:
    event = FollowersDue(lea.tenant_id, lea.channels["main"])
    followers.count_followers(event, tenant=lea.services.tenant, ask=said(number))


def days(lea: SandboxAgency) -> list[tuple[date, int]]:
    with lea.scope() as scope:
        today = local_day(scope.now, ZONE)
        found = followers.followers_by_day(
            scope, lea.creator_id, today - timedelta(days=9), today + timedelta(days=9)
        )
    return sorted(found.get(lea.channels["main"], {}).items())


def test_last_count_of_day_is_kept(lea: SandboxAgency) -> None:
    count(lea, 40)
    count(lea, 42)
    assert [number for _, number in days(lea)] == [42]
    lea.live(hours=24)
    count(lea, 39)
    first, second = days(lea)
    assert (first[1], second[1]) == (42, 39)
    assert second[0] - first[0] == timedelta(days=1)


def test_missing_count_changes_nothing(lea: SandboxAgency) -> None:
    count(lea, None)
    assert days(lea) == []
    count(lea, 0)
    count(lea, None)
    assert [number for _, number in days(lea)] == [0], "zero followers is a valid count"


def test_followers_are_counted_for_active_accounts_only(lea: SandboxAgency) -> None:
    lea.connect("resting")
    with lea.scope() as scope:
        lifecycle.pause_account(scope, lea.channels["resting"], Message("channel.paused"))
    tick = next(one for one in TICKS if one.name == "followers")
    for _ in range(2):
        tick.write_rows(lea.services.tenant)
    asked = [row.subject_id for row in lea.rows("followers.count")]
    assert asked == [lea.channels["main"]]
    lea.network.json(
        "POST", f"/control/followers/{quote(lea.accounts['main'], safe='')}", {"followers": 1204}
    )
    lea.run()
    assert lea.rows("followers.count") == []
    assert [number for _, number in days(lea)] == [1204], "as the platform returned it"


def test_metered_platform_is_queried_until_it_returns_a_count(
    lea: SandboxAgency,
) -> None:
    asked: list[UUID] = []
    answers = iter((None, 40, 41))

    def ask(tenant: UUID, channel: UUID) -> int | None:
        asked.append(channel)
        return next(answers)

    event = FollowersDue(lea.tenant_id, lea.channels["main"])
    for _ in range(3):
        followers.count_followers(event, tenant=lea.services.tenant, ask=ask, dear={"sandbox"})
    assert len(asked) == 2
    lea.live(hours=24)
    followers.count_followers(event, tenant=lea.services.tenant, ask=ask, dear={"sandbox"})
    assert [number for _, number in days(lea)] == [40, 41]
    assert lea.services.metered_platforms == {"x"}


@pytest.mark.parametrize("mode", ["garbage", "status:503", "status:401", "reset_after"])
def test_failed_request_stores_no_count(lea: SandboxAgency, mode: str) -> None:
    count(lea, 40)
    lea.fault(mode, on="metrics")
    next(one for one in TICKS if one.name == "followers").write_rows(lea.services.tenant)
    lea.run()
    assert [number for _, number in days(lea)] == [40]


def test_followers_of_another_agency_are_not_counted(
    lea: SandboxAgency, services: Services, sandbox: RunningSandbox
) -> None:
    count(lea, 7)
    other = create_sandbox_agency(services, sandbox)
    with other.scope() as scope:
        today = local_day(scope.now, ZONE)
        assert (
            followers.followers_by_day(scope, lea.creator_id, today - timedelta(days=1), today)
            == {}
        )


@pytest.mark.parametrize(
    ("counts", "kept"),
    [
        ((1000, 0, 1010), (1000, 1010)),
        ((1000, 0, 0, 0, 0, 990), (1000, 990)),
        ((1000, 5, 1010, 0), (1000, 1010)),
        ((1000, 0, 0), (1000,)),
        ((1000, 0, 0, 0), (1000, 0, 0, 0)),
        ((1000, 0, 0, 20, 45), (1000, 0, 0, 20, 45)),
        ((60, 0, 3), (60, 0, 3)),
    ],
)
def test_failed_counts_are_left_out_until_a_fall_lasts(
    lea: SandboxAgency, counts: tuple[int, ...], kept: tuple[int, ...]
) -> None:
    for number in counts:
        count(lea, number)
        lea.live(hours=24)
    assert tuple(number for _, number in days(lea)) == kept
