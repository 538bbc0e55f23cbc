"""uvicorn as our processes run it: it says when it serves."""

import socket
from typing import TYPE_CHECKING

import uvicorn

from foundation.ops import health_endpoint

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class ReadyServer(uvicorn.Server):
    """A server whose process is ready once it has opened its door."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the door, then say so."""
        await super().startup(sockets)
        health_endpoint.mark_ready()


def server_config(application: "ASGIApp", *, proxies: str = "") -> uvicorn.Config:
    """How a door is served. What was asked when it closes is answered first, for five seconds at
    most.

    `proxies` are the addresses or networks whose word on a visitor's address is taken; nobody's
    when empty.
    """
    return uvicorn.Config(
        application,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
    )
