"""One process and one sandbox for the tests of this folder, and a tenant of its own for each."""

from collections.abc import Iterator

import pytest

from tests.conftest import Cluster
from tests.fakes.network import Network, network
from tests.schedules.builders import Desk, desk, wired
from tests.schedules.files import Clerk
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
    """Léa with one account that keeps no keys: a repeat is a second post."""
    return desk(services, sandbox)


@pytest.fixture
def clerk(lea: Desk) -> Clerk:
    return Clerk(lea)


@pytest.fixture
def free(services: Services, sandbox: Network) -> Clerk:
    """An agency whose creator asks for nobody's yes."""
    return Clerk(desk(services, sandbox, tiers=0))
