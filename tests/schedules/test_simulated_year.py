"""A simulated year (some weeks of it in every run): what was promised stands once, on time, or somebody is told why."""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from foundation.ids import HOUSE
from schedules.states import NEEDS_A_PERSON
from schedules.states import DeliveryState as S
from tests.fakes.network import Network
from tests.schedules.builders import desk
from tests.schedules.simulation import EARLY, LATE, Agency, Months, Promise, World
from workers.wiring import Services

CREATORS, DAYS = (int(one) for one in os.environ.get("GREENROOM_SIMULATED", "6,24").split(","))
"""Creators and days; `make chaos` lives through a year of two hundred."""

SEEDS = range(int(os.environ.get("GREENROOM_SIMULATED_SEEDS", "1")))


@pytest.fixture
def agency(services: Services, sandbox: Network) -> Iterator[Agency]:
    """An agency that begins some days before clocks change in America and Europe; the clock is set back afterwards."""
    made = desk(services, sandbox, tiers=0)
    found = Agency(services, sandbox, made.tenant_id, made.creator_id, made.author, made.manager)
    before = found.now()
    march = datetime(before.year + 1, 3, 8, tzinfo=UTC)
    found.pass_time(seconds=(march - before).total_seconds())
    yield found
    with services.tenant(HOUSE, "system:test", role="relay") as scope:
        scope.run("SELECT house_shift(:by)", by=before - scope.now)


@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_promised_stands_once_and_on_time(agency: Agency, seed: int) -> None:
    agency.world = World(seed, agency.now)
    months = Months(agency, seed, CREATORS, DAYS)
    months.plan()
    months.live(lambda: at_rest(agency))
    agency.live(days=2)
    at_rest(agency)
    judge(months)


def at_rest(agency: Agency) -> None:
    """P2, P7: nothing is stuck on its way, no row of the outbox gave up, nobody asked who had been told to wait."""
    with agency.scope() as scope:
        stuck = scope.run(
            "SELECT count(*) FROM deliveries WHERE tenant_id = :tenant AND state = 'publishing'",
            tenant=agency.tenant_id,
        ).scalar_one()
    assert stuck == 0
    assert [row.kind for row in agency.rows() if row.state == "dead"] == []
    assert agency.world.rude == []


def judge(months: Months) -> None:
    """From the world's side: each promise once and in its time, nothing else; what is missing has its reason."""
    world, kept, now = months.agency.world, Counter[int](), months.agency.now()
    for account, posts in world.posts.items():
        ours = [(number, one) for number, one in enumerate(months.promises) if one.account == account]
        for post in posts:
            kept[_promise_of(ours, post["text"], post["at"])] += 1
    assert [months.promises[one] for one, times in kept.items() if times > 1] == []
    assert [months.promises[one] for one in kept if months.promises[one].off] == []
    over = [number for number, one in enumerate(months.promises) if not one.off and one.due + LATE < now]
    assert _unexplained(months, [months.promises[number] for number in over if number not in kept]) == []
    assert len(kept) > len(over) * 0.8, "a simulation in which little leaves shows little"
    _honest(months)


def _promise_of(ours: list[tuple[int, Promise]], text: str, at: datetime) -> int:
    """The promise of its account that a post keeps. Fails for one that nobody asked for then."""
    fits = [
        number
        for number, one in ours
        if one.text == text and one.due - EARLY <= at <= one.due + LATE + timedelta(minutes=1)
    ]
    assert len(fits) == 1, (text, at, fits)
    return fits[0]


def _unexplained(months: Months, missing: list[Promise]) -> list[Promise]:
    """Promises that were not kept and of which nobody is told why."""
    with months.agency.scope() as scope:
        rows = scope.run(
            "SELECT d.id, d.series_id, d.state, d.reason, d.wall_time FROM deliveries d WHERE d.tenant_id = :tenant",
            tenant=months.agency.tenant_id,
        ).all()
    singles = {row.id: row for row in rows}
    dates = {(row.series_id, row.wall_time[:10]): row for row in rows if row.series_id is not None}

    def told(one: Promise) -> bool:
        row = singles.get(one.delivery or UUID(int=0)) or dates.get((one.series, str(one.day)))
        explained = row is not None and (S(row.state) in NEEDS_A_PERSON or row.state in (S.CANCELLED, S.REHEARSED))
        return explained and row.reason is not None

    return [one for one in missing if not told(one)]


def _honest(months: Months) -> None:
    """What is said to stand stands, and what stands is known, unless it is in doubt."""
    with months.agency.scope() as scope:
        rows = scope.run(
            "SELECT state, native_id, dry_run FROM deliveries WHERE tenant_id = :tenant", tenant=months.agency.tenant_id
        ).all()
    assert all((row.state == S.REHEARSED) == row.dry_run and not (row.dry_run and row.native_id) for row in rows)  # P3
    standing = {post["id"] for posts in months.agency.world.posts.values() for post in posts}
    said = [row.native_id for row in rows if row.state == S.PUBLISHED]
    assert len(said) == len(set(said))
    assert set(said) <= standing
    doubts = sum(row.state == S.UNCERTAIN for row in rows)
    assert len(standing - set(said)) <= doubts
