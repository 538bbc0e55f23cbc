"""Handles that would hide a route of the web server are reserved."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foundation.db.database import OpenScope
from foundation.storage.object_store import FileStore
from tenants.agencies.names import ROUTE_HANDLES, is_handle
from web.app import create_web_app


def test_first_segment_of_every_route_is_reserved(tenant: OpenScope, tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    guard = create_web_app(tenant=tenant, store=store, library=store, public_url="http://site.test")
    segments = {path.split("/")[1] for path in _iterate_paths(guard._app)}
    handles = {segment for segment in segments if is_handle(segment)}
    assert {"healthz", "report", "machine"} <= handles
    assert handles - ROUTE_HANDLES == set()


def _iterate_paths(app: Any) -> Iterator[str]:
    """Yield the path of each route and mount, those of included routers too."""
    for route in app.routes:
        if hasattr(route, "path"):
            yield route.path or "/"
        else:
            yield from _iterate_paths(route.original_router)
