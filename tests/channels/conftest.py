"""One sandbox for the tests of this folder, and one tenant with an account per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.age_verification.states import AgeProviderState
from foundation.db.database import Database
from tests.channels.age_check_builders import AgeCheckDesk
from tests.channels.builders import World, world
from tests.fakes import yoti as fake
from tests.fakes.sandbox import RunningSandbox, network
from tests.fakes.telegram import server as telegram_fake


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
def lea(database: Database, sandbox: RunningSandbox) -> World:
    """An account without idempotency keys: a repeated request is a second post."""
    return world(database, sandbox, "lea")


@pytest.fixture(scope="module")
def telegram() -> Iterator[telegram_fake.TelegramServer]:
    with telegram_fake.network() as started:
        yield started


@pytest.fixture(scope="module")
def provider() -> Iterator[fake.RunningYoti]:
    with fake.provider() as running:
        yield running


@pytest.fixture
def fresh(lea: World, provider: fake.RunningYoti) -> Iterator[AgeCheckDesk]:
    yield AgeCheckDesk(lea, provider, *provider.world.customer())
    provider.clear()


@pytest.fixture
def desk(fresh: AgeCheckDesk) -> AgeCheckDesk:
    """The desk with its provider connected."""
    assert fresh.connect().state is AgeProviderState.CONNECTED
    return fresh
