"""The whole system for a post: database, Redis, relay, worker, sandbox and the creators' pages."""

from collections.abc import Iterator

import pytest

from connectors.conformance.fake_servers import serve_app
from foundation.storage.object_store import FileStore
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox, network
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wired
from web import app
from web.site import sites
from workers.wiring import Services


@pytest.fixture(scope="session")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture(scope="session")
def pages_at(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the creators' pages and return their address."""
    store = FileStore(tmp_path_factory.mktemp("pages"))
    with serve_app(
        app.create_web_app(tenant=services.tenant, store=store, public_url="http://127.0.0.1:1")
    ) as url:
        yield url


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def lea(services: Services, running: RunningSandbox, pages_at: str) -> Iterator[SandboxAgency]:
    """Provide Léa's agency with an account on the sandbox and a creator page."""
    made = create_sandbox_agency(services, running)
    slug = f"lea-{str(made.tenant_id)[-12:]}"
    with made.scope() as scope:
        token = sites.open_site(
            scope,
            creator_id=made.creator_id,
            slug=slug,
            title="Léa",
            about="",
            language="fr",
            authority="127.0.0.1",
        )
    assert token is not None
    made.connect_to(
        "page", platform="own_page", surface="public", account=slug, base_url=pages_at, token=token
    )
    yield made
    running.clear()
