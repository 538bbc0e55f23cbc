"""The web room, served once per worker."""

from collections.abc import Iterator

import httpx
import pytest

from foundation.database import Database, OpenScope
from foundation.storage import FileStore
from tests.fakes.serving import served
from tests.web.builders import PUBLIC, Page, Room, page
from web.app import create


@pytest.fixture(scope="session")
def room(pages: Database, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    store = FileStore(tmp_path_factory.mktemp("pages"))
    app = create(
        tenant=pages.scope, store=store, public_url=f"{PUBLIC}/", security_contact="mailto:security@example.test"
    )
    with served(app) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield Room(client, tenant, pages.scope, store)


@pytest.fixture
def mia(room: Room) -> Page:
    """A page of a tenant of its own."""
    return page(room)
