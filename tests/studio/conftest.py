"""One process for the tests of this folder, and a new creator for each test."""

from collections.abc import Iterator

import pytest

from tests.conftest import Cluster
from tests.schedules.builders import wired
from tests.studio.builders import CreatorStudio, create_studio
from workers.wiring import Services


@pytest.fixture(scope="session")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def nova(services: Services) -> CreatorStudio:
    return create_studio(services)
