"""The demo of a house whose clock runs two hundred or four hundred days ahead: it starts, its
minute plays.

No rule of the test network ages, no permission runs out, no date of the cast is a calendar date.
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
    """The first start with a demo, of a home whose clock was moved so many days on before."""
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
    """A house whose demo is seeded, and looked at, on that day."""
    made = ahead(tmp_path / "home", request.param)
    now = made.read(lambda scope: scope.now)
    assert (now - wall_now()).days in (request.param - 1, request.param)
    yield made
    said = made.stop()
    assert "Traceback" not in said


def test_minute_plays_as_on_the_first_day(house: Installation) -> None:
    till = house.till("nova+key")
    watched = minute.watch_home(house)
    minute.check_page(watched)
    minute.check_posts(house, watched)
    minute.check_sale(house, watched, till)
    minute.check_run(house, watched)
