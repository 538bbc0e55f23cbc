"""One installation for all seeds of a run; a broken one is replaced."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.chaos import installation as chaos
from tests.chaos.installation import Installation, InstallationBroken

Rooms = Callable[[], Installation]

SLOWEST_SECONDS = 1200
"""A start and a storm on a machine shared by seven runs: the slowest took 286 s."""

SEEDS_EACH = 25
"""Seeds for each installation. The agencies of earlier seeds remain and are aggregated and swept,
so it gets slower."""

FAR_AHEAD = timedelta(days=60)
"""Largest shift of the clock. A greater one expires evidence instead of testing recovery."""


def _is_well(house: Installation, given: int) -> bool:
    """Return True if the installation can run another seed."""
    try:
        house.wait_ready()
    except InstallationBroken:
        return False
    return given < SEEDS_EACH and house.shift < FAR_AHEAD


@pytest.fixture(scope="session")
def in_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rooms]:
    """Return a function that returns the running installation when it is ready."""
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
