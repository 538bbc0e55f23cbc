"""The Model Context Protocol over HTTP: `POST /v1/mcp` with an API key."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from connectors.contract.connector import Connector
from foundation.db.database import OpenScope
from foundation.i18n.translation import Message
from foundation.ops.settings import GeneratorsSettings
from foundation.storage.object_store import ObjectStore
from web.api.common.errors import ApiError
from web.http import responses
from web.mcp.tools import build_tools

if TYPE_CHECKING:
    from web.mcp.server import ToolServer

PATH = "/mcp"


def router(
    tenant: OpenScope,
    connectors: Mapping[str, Connector],
    generators: GeneratorsSettings,
    store: ObjectStore | None = None,
) -> APIRouter:
    """Create the route of the MCP server. Without a `store`, the tools that copy pictures are
    missing."""
    routes = APIRouter()
    known = build_tools(connectors, generators, store)

    @cache
    def load_server() -> "ToolServer":
        from web.mcp.server import ToolServer  # noqa: PLC0415  the first message loads the SDK

        return ToolServer(tenant, known)

    @routes.post(PATH, include_in_schema=False)
    async def message(request: Request) -> Response:
        if responses.is_cross_site(request):
            raise ApiError(403, Message("api.other_site"))
        server = await run_in_threadpool(load_server)
        return await server.respond(request)

    return routes
