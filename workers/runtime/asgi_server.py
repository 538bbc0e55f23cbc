"""uvicorn servers that announce when they are ready."""

import socket
from typing import TYPE_CHECKING

import uvicorn

from foundation.ops import health_endpoint

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class ReadyServer(uvicorn.Server):
    """Server that marks its process as ready once it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then mark the process as ready."""
        await super().startup(sockets)
        health_endpoint.mark_ready()


def server_config(application: "ASGIApp", *, proxies: str = "") -> uvicorn.Config:
    """Return the configuration of a server. At the end, requests in progress are completed for at
    most five seconds.

    `proxies` are the addresses or networks of proxies whose forwarded client addresses are trusted;
    none if empty.
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
