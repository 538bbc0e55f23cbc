"""The first minute of the demo, on a house as a newcomer has it: seen on the page, in the rows, by
the sandbox."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from demo.agency.cast import DEMO_AGENCIES
from foundation.outbox.outbox import queue_stats
from tests.conftest import wait_until
from tests.journeys.day import installation as living
from tests.journeys.day.installation import Installation
from tests.journeys.demo import home_scene as minute
from tests.journeys.demo.home_scene import ObservedMinute

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass
class Seen:
    """A house somebody has just looked at for the first time, and what the till held before."""

    house: Installation
    watched: ObservedMinute
    till: int


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("minute")
    house = living.start_installation(folder / "home")
    till = house.till("nova+key")
    yield Seen(house, minute.watch_home(house), till)
    said = house.stop()
    shutil.rmtree(folder, ignore_errors=True)
    assert "Traceback" not in said


def test_every_line_is_read_in_time(seen: Seen) -> None:
    told = ", ".join(
        f"{name} {seconds:.0f}"
        for name, seconds in sorted(seen.watched.seen.items(), key=lambda one: one[1])
    )
    print(f"\nthe first minute: {told}")  # noqa: T201  figures to read
    minute.check_page(seen.watched)


def test_posts_left_were_lost_found_and_kept_back(seen: Seen) -> None:
    minute.check_posts(seen.house, seen.watched)


def test_fan_was_told_the_truth_and_bought(seen: Seen) -> None:
    minute.check_sale(seen.house, seen.watched, seen.till)


def test_run_stands_at_three_of_eight(seen: Seen) -> None:
    minute.check_run(seen.house, seen.watched)


def test_nothing_gave_up(seen: Seen) -> None:
    with seen.house.scope() as scope:
        assert {one.queue: one.dead for one in queue_stats(scope) if one.dead} == {}


def test_removal_in_the_middle_of_it_leaves_nothing(seen: Seen) -> None:
    """The run still draws and steps still wait: they go with the demo, and no process minds."""
    done = seen.house.run("demo", "remove")
    assert done.code == 0, done.err
    assert "handovers" in done.out
    assert "sandbox.faults" in done.out
    again = seen.house.run("demo", "remove")
    assert again.out == "There are no demo agencies to remove.\n"
    for company in DEMO_AGENCIES:
        with seen.house.scope(company.tenant_id) as scope:
            assert not scope.run(
                "SELECT 1 FROM outbox WHERE tenant_id = :t", t=company.tenant_id
            ).all()
            assert not scope.run(
                "SELECT 1 FROM channels WHERE tenant_id = :t", t=company.tenant_id
            ).all()
    wait_until(lambda: living.read_status(seen.house.home).is_ready)
