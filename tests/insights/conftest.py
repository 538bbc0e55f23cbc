"""One service process and one sandbox for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox, network
from tests.fakes.telegram import server as telegram_fake
from tests.insights.builders import CreatorHistory, create_creator_history
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wired
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
    """The creator Léa on the running sandbox."""
    return create_sandbox_agency(services, sandbox)


@pytest.fixture
def ledgers(services: Services) -> CreatorHistory:
    """The creator Léa with an imported history."""
    return create_creator_history(services)


@pytest.fixture(scope="session")
def telegram() -> Iterator[telegram_fake.TelegramServer]:
    """A running Telegram."""
    with telegram_fake.network() as started:
        yield started
