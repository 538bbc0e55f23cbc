"""Host checks and security headers for every request to the dashboard and the web process."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from foundation.http.address_policy import browser_origin

AsgiMessage = MutableMapping[str, Any]
AsgiReceive = Callable[[], Awaitable[AsgiMessage]]
AsgiSend = Callable[[AsgiMessage], Awaitable[None]]
AsgiApp = Callable[[MutableMapping[str, Any], AsgiReceive, AsgiSend], Awaitable[None]]

MISDIRECTED = 421
POLICY_VIOLATION = 1008
PROBES = frozenset({"/healthz", "/readyz"})
"""Paths that respond under any host name, because health checks connect by IP address."""


def _header_values(scope: MutableMapping[str, Any], name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


def _requested_host(scope: MutableMapping[str, Any]) -> str:
    """Return the host name of a request, or "" unless exactly one valid name was sent."""
    named = _header_values(scope, b"host")
    if len(named) != 1:
        return ""
    try:
        return host_name(f"//{named[0].decode('ascii')}")
    except ValueError:  # not ASCII, or unbalanced brackets
        return ""


def host_name(url: str) -> str:
    """Return the host of a URL as browsers send it in `Host`, without its port."""
    return urlsplit(browser_origin(url)).hostname or urlsplit(url).hostname or ""


class HostGuard:
    """An ASGI app that refuses foreign `Host` headers and adds security headers to every response.

    A foreign host is a sign of DNS rebinding, or of a cookie for another name on the same machine.
    The headers are added to errors too, unless the app set its own.

    `hosts` are host names without ports; `elsewhere` is the page shown under another name.
    `admits` decides about a request (host, path) for another name; it may read the database. A
    WebSocket is opened only for pages of `origin` (`https://host[:port]`) and of the host and port
    of the request: its handshake sends cookies, and browsers do not apply the same-origin policy to
    it (RFC 6455 §10.2).
    """

    def __init__(
        self,
        app: AsgiApp,
        *,
        hosts: Iterable[str],
        headers: Mapping[str, str],
        elsewhere: bytes = b"",
        origin: str = "",
        admits: Callable[[str, str], bool] | None = None,
    ) -> None:
        self._app = app
        self._admits = admits
        self._hosts = frozenset(hosts)
        self._elsewhere = elsewhere
        self._origin = browser_origin(origin)
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(
        self, scope: MutableMapping[str, Any], receive: AsgiReceive, send: AsgiSend
    ) -> None:
        """Handle one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._handle_websocket(scope, receive, send)
        else:
            await self._handle_http(scope, receive, self._with_headers(send))

    async def _handle_websocket(
        self, scope: MutableMapping[str, Any], receive: AsgiReceive, send: AsgiSend
    ) -> None:
        if self._is_known_host(scope) and self._is_own_origin(scope):
            await self._app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})

    async def _handle_http(
        self, scope: MutableMapping[str, Any], receive: AsgiReceive, send: AsgiSend
    ) -> None:
        if self._is_known_host(scope) or scope["path"] in PROBES or await self._is_admitted(scope):
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": MISDIRECTED, "headers": headers})
        await send({"type": "http.response.body", "body": self._elsewhere})

    def _is_own_origin(self, scope: MutableMapping[str, Any]) -> bool:
        sent = _header_values(scope, b"origin")
        if not self._origin or len(sent) != 1:
            return False
        scheme = self._origin.partition("://")[0].encode()
        here = scheme + b"://" + _header_values(scope, b"host")[0]
        return sent[0].lower() in {self._origin.encode(), here.lower()}

    def _is_known_host(self, scope: MutableMapping[str, Any]) -> bool:
        host = _requested_host(scope)
        return bool(host) and host in self._hosts

    async def _is_admitted(self, scope: MutableMapping[str, Any]) -> bool:
        host = _requested_host(scope)
        if self._admits is None or not host:
            return False
        return await asyncio.to_thread(self._admits, host, scope["path"])

    def _with_headers(self, send: AsgiSend) -> AsgiSend:
        async def answer(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in self._headers if pair[0] not in own),
                ]
            await send(message)

        return answer
