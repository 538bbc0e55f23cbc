"""One sandbox for the tests of this folder; each test creates separate accounts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.ids import uuid7
from tests.fakes.sandbox import RunningSandbox, network


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
def account(sandbox: RunningSandbox) -> str:
    return sandbox.account(f"account-{uuid7().hex}")
