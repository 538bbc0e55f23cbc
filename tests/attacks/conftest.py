"""The sandbox for attacks on the transport, the fake platforms for attacks on destinations, and the
web server for attacks on pages."""

from collections.abc import Iterator

import pytest

from tests.channels.conftest import running, sandbox
from tests.conftest import Cluster
from tests.journeys.connected_creator import FakePlatforms, outside
from tests.web.conftest import room

__all__ = ["room", "running", "sandbox"]


@pytest.fixture(scope="module")
def networks(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakePlatforms]:
    with outside(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found
