"""One house for all seeds of a run; one that a seed has broken is started anew."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.chaos import installation as chaos
from tests.chaos.installation import Installation, InstallationBroken

Rooms = Callable[[], Installation]

SLOWEST_SECONDS = 1200
"""A start and a storm on a machine that is shared by seven: one took 286 s."""

SEEDS_EACH = 25
"""The agencies of earlier seeds stay, and are rolled up and swept: a house gets slower with
each."""

FAR_AHEAD = timedelta(days=60)
"""A clock that is further ahead than this ages more than it tries."""


def _is_well(house: Installation, given: int) -> bool:
    """Whether another seed may be played in a house that has seen so many."""
    try:
        house.wait_ready()
    except InstallationBroken:
        return False
    return given < SEEDS_EACH and house.shift < FAR_AHEAD


@pytest.fixture(scope="session")
def in_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rooms]:
    """Gives the house that runs, ready."""
    folder = tmp_path_factory.mktemp("chaos")
    standing: list[Installation] = []
    given = 0

    def give() -> Installation:
        nonlocal given
        if standing and not _is_well(standing[-1], given):
            standing.pop().stop()
        if not standing:
            given = 0
            number = len(list(folder.iterdir()))
            standing.append(chaos.start_installation(folder / f"house-{number}"))
        given += 1
        return standing[-1]

    yield give
    for one in standing:
        one.stop()
    shutil.rmtree(folder, ignore_errors=True)
