"""A stateful fake of the endpoint that stores items of a creator's built-in page, with injected
faults."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp

from foundation.ops.fault_injection import FaultBook, FaultyNetwork, PlatformCall


@dataclass
class OwnPage:
    """The content of the page: files by digest, and items by content ID, where None is a tombstone."""

    token: str
    book: FaultBook
    files: dict[str, bytes] = field(default_factory=dict)
    items: dict[tuple[str, str], dict[str, Any] | None] = field(default_factory=dict)
    puts: list[tuple[str, str]] = field(default_factory=list)
    """Account and body of every received item, including repeats."""


def classify_request(method: str, path: str) -> PlatformCall | None:
    """Return the kind of a request for the fault book, or None for an unknown path."""
    parts = path.split("/")
    if len(parts) < 4 or parts[1] != "house":
        return None
    kinds = {"PUT": "posts", "GET": "lookups", "DELETE": "deletes"}
    kind = (
        "files"
        if parts[3] == "files"
        else "metrics"
        if parts[-1] == "metrics"
        else kinds.get(method, "")
    )
    return PlatformCall(method, path, parts[2], kind)


def create_app(page: OwnPage) -> ASGIApp:
    """Return the app for `page`."""
    app = FastAPI()

    def sealed_off(request: Request) -> JSONResponse | None:
        known = request.headers.get("authorization") == f"Bearer {page.token}"
        return None if known else JSONResponse({"error": "bad_token"}, 401)

    @app.put("/house/{account}/files/{sha256}")
    async def put_file(request: Request, account: str, sha256: str) -> JSONResponse:
        body = await request.body()
        if refused := sealed_off(request):
            return refused
        if hashlib.sha256(body).hexdigest() != sha256:
            return JSONResponse({"error": "wrong_hash"}, 422)
        page.files[sha256] = body
        return JSONResponse({"sha256": sha256, "size": len(body)})

    @app.put("/house/{account}/items/{item_id}")
    async def put_item(request: Request, account: str, item_id: str) -> JSONResponse:
        item = json.loads(await request.body())
        if refused := sealed_off(request):
            return refused
        place = (account, item_id)
        if place in page.items and page.items[place] is None:
            return JSONResponse({"error": "gone"}, 410)
        if any(medium["sha256"] not in page.files for medium in item["media"]):
            return JSONResponse({"error": "unknown_media"}, 422)
        page.puts.append((account, json.dumps(item)))
        known = place in page.items
        page.items[place] = item
        return JSONResponse(
            {"id": item_id, "url": f"http://page/{account}/p/{item_id}"}, 200 if known else 201
        )

    _reading(app, page)
    return FaultyNetwork(app, book=page.book, call_of=classify_request)


def _reading(app: FastAPI, page: OwnPage) -> None:
    @app.get("/house/{account}/items/{item_id}")
    async def get_item(account: str, item_id: str) -> JSONResponse:
        place = (account, item_id)
        if place not in page.items:
            return JSONResponse({"error": "no_such_item"}, 404)
        if page.items[place] is None:
            return JSONResponse({"error": "gone"}, 410)
        return JSONResponse({"id": item_id, "url": f"http://page/{account}/p/{item_id}"})

    @app.delete("/house/{account}/items/{item_id}")
    async def delete_item(account: str, item_id: str) -> JSONResponse:
        place = (account, item_id)
        if place in page.items and page.items[place] is None:
            return JSONResponse({"error": "gone"}, 410)
        page.items[place] = None
        return JSONResponse({"deleted": item_id})

    @app.get("/house/{account}/items/{item_id}/metrics")
    async def metrics(account: str, item_id: str) -> JSONResponse:
        return JSONResponse({"views": 3, "likes": 0, "comments": 0, "clicks": 1})
