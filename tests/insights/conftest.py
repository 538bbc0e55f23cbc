"""One process and one sandbox for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.conftest import Cluster
from tests.fakes.network import Network, network
from tests.insights.builders import Books, books
from tests.schedules.builders import Desk, desk, wired
from workers.wiring import Services


@pytest.fixture(scope="session")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def sandbox(running: Network) -> Iterator[Network]:
    yield running
    running.clear()


@pytest.fixture
def lea(services: Services, sandbox: Network) -> Desk:
    """Léa on the running sandbox."""
    return desk(services, sandbox)


@pytest.fixture
def ledgers(services: Services) -> Books:
    """Léa with a past of any day."""
    return books(services)
