"""What both doors do with every request before their app sees it: the host it names, and the
headers it gets back."""

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
"""Answered under any name: whoever asks whether the process lives, or works, calls it by its
socket."""


def _header_values(scope: MutableMapping[str, Any], name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


def host_name(url: str) -> str:
    """The host name of an address as browsers write it in `Host`, without its port."""
    return urlsplit(browser_origin(url)).hostname or urlsplit(url).hostname or ""


class HostGuard:
    """An ASGI app behind a door: a foreign `Host` is refused (DNS rebinding, a cookie of another
    name on the same machine), and every answer, errors included, carries the door's headers unless
    it set its own.

    `hosts` are host names without ports; `elsewhere` is the page a visitor under another name
    reads. A WebSocket is opened for pages of `origin` (`https://host[:port]`) and of the host and
    port it is opened at, and for no other: its handshake carries cookies, and no browser applies
    the same-origin policy to it (RFC 6455 §10.2).
    """

    def __init__(
        self,
        app: AsgiApp,
        *,
        hosts: Iterable[str],
        headers: Mapping[str, str],
        elsewhere: bytes = b"",
        origin: str = "",
    ) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._elsewhere = elsewhere
        self._origin = browser_origin(origin)
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(
        self, scope: MutableMapping[str, Any], receive: AsgiReceive, send: AsgiSend
    ) -> None:
        """Serve one connection."""
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
        if self._is_known_host(scope) or scope["path"] in PROBES:
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
        named = _header_values(scope, b"host")
        if len(named) != 1:
            return False
        try:
            return host_name(f"//{named[0].decode('ascii')}") in self._hosts
        except ValueError:  # not ASCII, or brackets that never close
            return False

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
