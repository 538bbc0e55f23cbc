"""The first minute of the demo on a new installation: on the page, in the database and in the
sandbox."""

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
    """An installation whose Home was opened for the first time, and the balance of the sandbox
    before."""

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


def test_every_line_appears_on_time(seen: Seen) -> None:
    told = ", ".join(
        f"{name} {seconds:.0f}"
        for name, seconds in sorted(seen.watched.seen.items(), key=lambda one: one[1])
    )
    print(f"\nthe first minute: {told}")  # noqa: T201  informative figures
    minute.check_page(seen.watched)


def test_posts_are_published_found_again_and_held(seen: Seen) -> None:
    minute.check_posts(seen.house, seen.watched)


def test_fan_receives_the_ai_disclosure_and_buys(seen: Seen) -> None:
    minute.check_sale(seen.house, seen.watched, seen.till)


def test_run_has_three_of_eight_pictures(seen: Seen) -> None:
    minute.check_run(seen.house, seen.watched)


def test_no_task_failed(seen: Seen) -> None:
    with seen.house.scope() as scope:
        assert {one.queue: one.dead for one in queue_stats(scope) if one.dead} == {}


def test_removal_during_the_scene_deletes_everything(seen: Seen) -> None:
    """The run still generates and steps are pending: they are deleted with the demo, and all
    processes continue."""
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
