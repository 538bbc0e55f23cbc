"""Liveness and readiness of the public web server."""

from pathlib import Path

import httpx

from connectors.conformance.fake_servers import serve_app
from foundation.db.database import Database
from foundation.storage.object_store import FileStore
from tests.conftest import free_port
from tests.web.builders import PUBLIC, WebServer
from web.app import create_web_app


def test_server_is_ready_under_any_host_name(room: WebServer) -> None:
    for host in ("127.0.0.1", "elsewhere.example.test", "web:8080"):
        found = room.client.get("/readyz", headers={"host": host})
        assert (found.status_code, found.json()) == (200, {"ready": True, "unwritable": []})


def test_server_without_database_is_alive_but_not_ready(tmp_path: Path) -> None:
    away = Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none", pool_size=1)
    app = create_web_app(tenant=away.scope, store=FileStore(tmp_path), public_url=PUBLIC)
    with serve_app(app) as url, httpx.Client(base_url=url, timeout=20) as client:
        assert client.get("/healthz").status_code == 200
        found = client.get("/readyz")
    assert (found.status_code, found.json()) == (503, {"ready": False, "unwritable": []})


def test_internal_host_name_is_accepted(tmp_path: Path, pages: Database) -> None:
    store = FileStore(tmp_path)
    app = create_web_app(
        tenant=pages.scope, store=store, public_url=PUBLIC, inside_url="http://web:8080"
    )
    with serve_app(app) as url, httpx.Client(base_url=url, timeout=20) as client:
        inside = client.get("/house/nobody/items/1", headers={"host": "web:8080"})
        stranger = client.get("/house/nobody/items/1", headers={"host": "elsewhere:8080"})
    assert inside.status_code in {401, 404}
    assert stranger.status_code == 421
