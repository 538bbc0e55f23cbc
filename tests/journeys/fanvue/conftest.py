"""Fixtures of the Fanvue journeys: one fake per file, and an authorized account."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from channels.connections.oauth_flow import OAUTH_RETURN_PATH
from generators.engines.text.templates import TemplateEngine
from tests.conftest import Cluster
from tests.fakes.fanvue.server import FakeFanvue, fanvue
from tests.fakes.sandbox import RunningSandbox, network
from tests.journeys.oauth_accounts import OAuthAccount, services_at
from tests.schedules.builders import create_sandbox_agency
from workers.wiring import Services


@pytest.fixture(scope="module")
def server() -> Iterator[FakeFanvue]:
    with fanvue() as running:
        yield running
        assert running.forbidden == []
        assert running.spec.refused == []


@pytest.fixture(scope="module")
def services(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, server: FakeFanvue
) -> Iterator[Services]:
    home = tmp_path_factory.mktemp("home")
    with services_at(cluster, home, fanvue_url=server.url, fanvue_auth_url=server.url) as found:
        yield replace(found, chat_engine=TemplateEngine)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def house(
    services: Services, running: RunningSandbox, server: FakeFanvue
) -> Iterator[OAuthAccount]:
    """Provide Léa's agency and her account, which is not connected yet."""
    made = create_sandbox_agency(services, running)
    server.clock.advance(
        (made.now() - server.clock()).total_seconds()
    )  # earlier tests of this file advanced the clock
    app = server.application(services.settings.dashboard.public_url + OAUTH_RETURN_PATH)
    form = {"client_id": app.client_id, "client_secret": app.secret}
    yield OAuthAccount(
        made, server, server.account(f"lea{str(made.tenant_id)[-8:]}"), "fanvue", form
    )
    server.book.clear_faults()
    server.slow, server.retired, server.strays_to = 0, False, ""
