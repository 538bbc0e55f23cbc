"""One sandbox for the tests of this folder, and a tenant with an account of its own for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.age_verification.states import AgeProviderState
from foundation.db.database import Database
from tests.channels.age_builders import Desk
from tests.channels.builders import World, world
from tests.fakes import telegram as telegram_fake
from tests.fakes import yoti as fake
from tests.fakes.network import Network, network


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
def lea(database: Database, sandbox: Network) -> World:
    """An account that keeps no keys: a repeat is a second post."""
    return world(database, sandbox, "lea")


@pytest.fixture(scope="module")
def telegram() -> Iterator[telegram_fake.Network]:
    with telegram_fake.network() as started:
        yield started


@pytest.fixture(scope="module")
def provider() -> Iterator[fake.Running]:
    with fake.provider() as running:
        yield running


@pytest.fixture
def fresh(lea: World, provider: fake.Running) -> Iterator[Desk]:
    yield Desk(lea, provider, *provider.world.customer())
    provider.clear()


@pytest.fixture
def desk(fresh: Desk) -> Desk:
    """With the provider connected."""
    assert fresh.connect().state is AgeProviderState.CONNECTED
    return fresh
