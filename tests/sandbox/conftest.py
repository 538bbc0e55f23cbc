"""One sandbox for the tests of this folder; each makes accounts of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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
def account(sandbox: Network, request: pytest.FixtureRequest) -> str:
    return sandbox.account(request.node.name.replace("[", "-").replace("]", "")[:40])
