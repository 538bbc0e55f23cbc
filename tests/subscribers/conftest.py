"""One sandbox for the tests of this folder, and a tenant of its own for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.db.database import Database
from tests.conftest import Cluster
from tests.fakes.network import Network, network
from tests.schedules.builders import Desk, desk, wired
from tests.subscribers.builders import Studio, nova
from workers.wiring import Services


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with network(folder / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def sandbox(running: Network) -> Iterator[Network]:
    yield running
    running.clear()


@pytest.fixture
def studio(database: Database, sandbox: Network) -> Studio:
    """Nova, with a pack of two general pictures at 500 XTS."""
    return nova(database, sandbox)


@pytest.fixture(scope="session")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def lea(services: Services, sandbox: Network) -> Desk:
    """Léa, whose account has posts that people speak under."""
    return desk(services, sandbox)
