"""The demo of an installation whose clock is 200 or 400 days ahead: it starts and plays its first
minute.

No rule of the sandbox ages, no consent expires, and the profiles contain no calendar dates.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from demo.agency.lifecycle import REMOVED_MARKER
from foundation.ops.clock import wall_now
from tests.journeys.day import installation as living
from tests.journeys.day.installation import Installation
from tests.journeys.demo import home_scene as minute

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def ahead(folder: Path, days: int) -> Installation:
    """Start the demo for the first time in an installation whose clock was advanced by `days`."""
    folder.mkdir(mode=0o700, parents=True)
    (folder / REMOVED_MARKER).touch()
    house = living.start_installation(folder)
    engine = create_engine(house.settings.database.owner_url.get_secret_value())
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE house_clock SET shift = make_interval(days => :days)"), {"days": days}
        )
    engine.dispose()
    house.stop()
    (folder / REMOVED_MARKER).unlink()
    return living.start_installation(folder)


@pytest.fixture(params=[200, 400])
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """Start an installation whose demo is seeded and opened on that day."""
    made = ahead(tmp_path / "home", request.param)
    now = made.read(lambda scope: scope.now)
    assert (now - wall_now()).days in (request.param - 1, request.param)
    yield made
    said = made.stop()
    assert "Traceback" not in said


def test_home_scene_plays_with_a_shifted_clock(house: Installation) -> None:
    till = house.till("nova+key")
    watched = minute.watch_home(house)
    minute.check_page(watched)
    minute.check_posts(house, watched)
    minute.check_sale(house, watched, till)
    minute.check_run(house, watched)
