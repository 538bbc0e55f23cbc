"""The process that serves the sandbox, the test network of this installation."""

import socket

import uvicorn

from foundation.ops.fault_injection import fault_server_config
from foundation.ops.settings import Settings
from sandbox.api import UpdateBell
from sandbox.app import create_sandbox_app
from workers.runtime import listening_socket
from workers.runtime.asgi_server import ReadyServer


class SandboxServer(ReadyServer):
    """A server that answers pending long polls before it closes."""

    def __init__(self, configured: uvicorn.Config, bell: UpdateBell) -> None:
        super().__init__(configured)
        self._bell = bell

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer the requests that wait for updates, then close."""
        self._bell.close()
        await super().shutdown(sockets)


def run_sandbox(settings: Settings) -> None:
    """Serve the sandbox until SIGTERM, with its data in `<home>/sandbox.sqlite`."""
    settings.home.mkdir(parents=True, exist_ok=True)
    bell = UpdateBell()
    app = create_sandbox_app(
        settings.home / "sandbox.sqlite", latency_ms=settings.sandbox.latency_ms, bell=bell
    )
    host = settings.sandbox.host
    port = settings.sandbox.port
    server = SandboxServer(fault_server_config(app, host, port), bell)
    server.run(sockets=[listening_socket.open_listening_socket(host, port)])
