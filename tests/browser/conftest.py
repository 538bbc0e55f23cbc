"""Fixtures of the browser tests, which share one Chromium and are skipped without one."""

import re
from collections.abc import Iterator

import pytest

from foundation.db.database import Database
from tests.browser.chromium import Chromium
from tests.browser.chromium import chromium as started
from tests.browser.installation import Installation, RunningAgency, installed, living
from tests.conftest import Cluster
from tests.dashboard.conftest import door, lumiere  # noqa: F401  fixtures
from tests.web.conftest import mia, room  # noqa: F401  fixtures

ALWAYS = re.compile(
    r"test_(adult_area|dashboard|roles|home_emergency_stop|process_kills|own_releases|creator_page|passkeys"
    r"|subject_portal|removal_requests)\.py"
    r"|::test_random_input_never_breaks_a_page"
)
"""Tests of access control, emergency stops and rules for all pages, which run for each commit. The
others are heavy."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of single pages as heavy, so that `make test` runs a quarter of them."""
    for item in items:
        if item.nodeid.startswith("tests/browser/") and not ALWAYS.search(item.nodeid):
            item.add_marker("heavy")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    with started() as running:
        yield running


@pytest.fixture(scope="session")
def installation(
    chromium: Chromium, cluster: Cluster, pages: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    with installed(cluster, pages, tmp_path_factory.mktemp("installation")) as made:
        yield made


@pytest.fixture
def lea(
    installation: Installation, database: Database, redis_url: str, chromium: Chromium
) -> Iterator[RunningAgency]:
    """Return Léa's agency in a running installation."""
    with living(installation, database, redis_url, chromium) as made:
        yield made
