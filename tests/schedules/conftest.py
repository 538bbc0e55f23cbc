"""One process and one sandbox for the tests of this folder, and a separate tenant for each test."""

from collections.abc import Iterator

import pytest

from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox, network
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wired
from tests.schedules.csv_files import FileImporter
from workers.wiring import Services


@pytest.fixture(scope="session")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def sandbox(running: RunningSandbox) -> Iterator[RunningSandbox]:
    yield running
    running.clear()


@pytest.fixture
def lea(services: Services, sandbox: RunningSandbox) -> SandboxAgency:
    """Return an agency with one account that ignores idempotency keys: a repeated request creates a
    second post."""
    return create_sandbox_agency(services, sandbox)


@pytest.fixture
def clerk(lea: SandboxAgency) -> FileImporter:
    return FileImporter(lea)


@pytest.fixture
def free(services: Services, sandbox: RunningSandbox) -> FileImporter:
    """Return an importer of an agency whose creator requires no approval."""
    return FileImporter(create_sandbox_agency(services, sandbox, tiers=0))
