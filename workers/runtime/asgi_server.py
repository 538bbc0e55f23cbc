"""uvicorn servers that announce when they are ready, and serve HTTPS on a second socket."""

import asyncio
import socket
from typing import TYPE_CHECKING

import uvicorn

from foundation.ops import health_endpoint

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from workers.runtime.tls import TlsListener


class ReadyServer(uvicorn.Server):
    """Server that marks its process as ready once it listens. With `tls`, it serves HTTPS besides
    HTTP, in the same event loop."""

    def __init__(self, config: uvicorn.Config, tls: "TlsListener | None" = None) -> None:
        super().__init__(config)
        self._tls = tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then mark the process as ready."""
        await super().startup(sockets)
        if self._tls is not None:
            # uvicorn has one TLS setting for all sockets, but our own processes use HTTP.
            server = await asyncio.get_running_loop().create_server(
                self._create_protocol, sock=self._tls.socket, ssl=self._tls.context
            )
            self.servers.append(server)
        health_endpoint.mark_ready()

    def _create_protocol(self) -> asyncio.Protocol:
        protocol: type[asyncio.Protocol] = self.config.http_protocol_class
        return protocol(  # type: ignore[call-arg]  # the arguments that uvicorn itself passes
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


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
