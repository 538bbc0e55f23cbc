"""One installation for all journeys of this folder, and the days that several tests read."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from foundation.ops.wall_time import local_day
from tests.architecture.tree import ROOT
from tests.journeys.day import installation as living
from tests.journeys.day.installation import CommandResult, Installation

ZONE = "Europe/Paris"


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Start an installation with its demo."""
    folder = tmp_path_factory.mktemp("journey")
    made = living.start_installation(folder / "home")
    yield made
    said = made.stop()
    shutil.rmtree(folder, ignore_errors=True)
    assert made.process.returncode == 0, said
    assert "Traceback" not in said


@dataclass(frozen=True)
class Lived:
    """A simulated day: the command with its output, the date, and the income in the sandbox and in
    our ledger."""

    creator: str
    words: tuple[str, ...]
    ran: CommandResult
    day: str
    took: int
    booked: int


def live(house: Installation, creator: str, *words: str, language: str = "en") -> Lived:
    """Run one day with the command line."""
    account = f"{creator}+key"
    whole = (
        "run-day",
        "--creator",
        creator,
        "--brief",
        f"examples/{creator}.yaml",
        *words,
        "--fast",
    )
    before = house.till(account), house.booked(account)
    ran = house.run(*whole, language=language)
    with house.scope() as scope:
        day = local_day(scope.now, ZONE).isoformat()
    return Lived(
        creator, whole, ran, day, house.till(account) - before[0], house.booked(account) - before[1]
    )


@pytest.fixture(scope="session")
def photos(shared: Path) -> Path:
    """Return the folder of real photos."""
    return shared / "data" / "photos"


@pytest.fixture(scope="session")
def mia(house: Installation, photos: Path) -> Lived:
    """Run Mia's first day, with real photos."""
    return live(house, "mia", "--photos", str(photos))


@pytest.fixture(scope="session")
def nova(house: Installation, mia: Lived) -> Lived:
    """Run Nova's day in French."""
    return live(house, "nova", language="fr")


@pytest.fixture
def brief(tmp_path: Path) -> Path:
    """Return the path of a brief that a test may change."""
    path = tmp_path / "brief.yaml"
    shutil.copy(ROOT / "examples" / "mia.yaml", path)
    return path
