"""Fixtures of the web server, started once per worker."""

from collections.abc import Iterator

import httpx
import pytest

from connectors.conformance.fake_servers import serve_app
from foundation.db.database import Database, OpenScope
from foundation.storage.object_store import FileStore
from tests.web.api_client import ApiClient, create_api_client
from tests.web.builders import LETTERBOX, PUBLIC, CreatorPage, WebServer, create_page
from tests.web.remote_worker_agency import RemoteWorkerAgency, create_remote_worker_agency
from web.app import create_web_app


@pytest.fixture(scope="session")
def room(
    pages: Database, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebServer]:
    store, library = (
        FileStore(tmp_path_factory.mktemp("pages")),
        FileStore(tmp_path_factory.mktemp("library")),
    )
    app = create_web_app(
        tenant=pages.scope,
        store=store,
        library=library,
        public_url=f"{PUBLIC}/",
        security_contact="mailto:security@example.test",
        letterbox_key=LETTERBOX,
    )
    with serve_app(app) as url, httpx.Client(base_url=url, timeout=20, verify=False) as client:
        yield WebServer(client, tenant, pages.scope, store, library)


@pytest.fixture
def mia(room: WebServer) -> CreatorPage:
    """Return the page of a new tenant."""
    return create_page(room)


@pytest.fixture
def api(room: WebServer, tenant: OpenScope) -> ApiClient:
    """Return a new agency with an API client."""
    return create_api_client(room.client, tenant)


@pytest.fixture
def mine(room: WebServer) -> RemoteWorkerAgency:
    """Return an agency with a remote worker."""
    return create_remote_worker_agency(room.client, room.tenant, room.library)


@pytest.fixture
def theirs(room: WebServer) -> RemoteWorkerAgency:
    """Return a second agency with a remote worker."""
    return create_remote_worker_agency(room.client, room.tenant, room.library)
