"""One sandbox for the tests of this folder, and one tenant per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.db.database import Database
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox, network
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wired
from tests.subscribers.builders import Studio, create_nova
from workers.wiring import Services


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with network(folder / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def sandbox(running: RunningSandbox) -> Iterator[RunningSandbox]:
    yield running
    running.clear()


@pytest.fixture
def studio(database: Database, sandbox: RunningSandbox) -> Studio:
    """Nova, with a pack of two general pictures at 500 XTS."""
    return create_nova(database, sandbox)


@pytest.fixture(scope="session")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def lea(services: Services, sandbox: RunningSandbox) -> SandboxAgency:
    """Léa, whose account has posts with comments."""
    return create_sandbox_agency(services, sandbox)
