"""Fault injection for the test network: platform failures requested by account and kind of request.

Each fault except `lag` occurs `times` times:

    hang              not processed; no response for `seconds`, then a connection reset
    reset_before      not processed; connection reset
    refuse            not processed; 403 `content_refused`
    status:N          not processed; status N (429 with Retry-After if `retry_after` is given)
    status:N_after    processed, then status N
    accept_then_hang  processed; no response for `seconds`, then a connection reset
    reset_after       processed, then a connection reset
    drip              processed; the response is sent byte by byte over `seconds`
    garbage           processed; a success with truncated JSON
    lag               look-ups do not show objects newer than `lookup_lag` seconds, until cleared

The account `*-of-NAME` matches all accounts connected through the application NAME. A 429 for it
states that the whole application is limited.

Kinds are posts, messages, files, deletes, lookups, updates, checkouts, refunds and metrics. `*`
matches all except updates, which a listener requests continuously. With `match`, only a request
whose body contains that text fails, for example a single post.
"""

import asyncio
import contextlib
import hashlib
import sqlite3
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from foundation.ops.clock import wall_now

MAX_REQUEST_BYTES = 40 * 1024 * 1024
_TRANSPORT = "sandbox.transport"
_FOR_EVER = -1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, kind TEXT NOT NULL, mode TEXT \
NOT NULL,
    times INTEGER NOT NULL, seconds REAL NOT NULL, retry_after REAL, lookup_lag REAL NOT NULL,
    match TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS record (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT \
NULL,
    account TEXT NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL,
    accepted INTEGER NOT NULL, status INTEGER NOT NULL, fault TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Fault:
    """The fault of one request."""

    mode: str = ""
    seconds: float = 30.0
    retry_after: float | None = None
    whole_app: bool = False

    @property
    def status(self) -> int:
        """Return the status of a `status:N` mode, or 0 for other modes."""
        digits = self.mode.removeprefix("status:").removesuffix("_after")
        return int(digits) if self.mode.startswith("status:") and digits.isdigit() else 0

    @property
    def is_acted_upon(self) -> bool:
        """Return True if the request is processed before it fails."""
        return self.mode in {
            "",
            "accept_then_hang",
            "reset_after",
            "drip",
            "garbage",
        } or self.mode.endswith("_after")


MODES = frozenset(
    {"hang", "reset_before", "refuse", "accept_then_hang", "reset_after", "drip", "garbage", "lag"}
)
NO_FAULT = Fault()


class FaultBook:
    """Requested faults and received requests, on a separate SQLite connection.

    A post's fsync never waits for it.
    """

    def __init__(
        self, database: Path | str = ":memory:", clock: Callable[[], datetime] = wall_now
    ) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._db = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA busy_timeout=5000")
        self._db.executescript(_SCHEMA)
        if "match" not in {
            row["name"] for row in self._execute_sql("PRAGMA table_info(faults)")
        }:  # a file of an earlier version
            self._execute_sql("ALTER TABLE faults ADD COLUMN match TEXT NOT NULL DEFAULT ''")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _execute_sql(self, sql: str, *params: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, params).fetchall()

    def now(self) -> str:
        """Return the network's time in ISO 8601 with an offset."""
        return self._clock().isoformat()

    def schedule_fault(
        self,
        mode: str,
        *,
        account: str = "*",
        on: str = "*",
        times: int = 1,
        seconds: float = 30.0,
        retry_after: float | None = None,
        lookup_lag: float = 0.0,
        match: str = "",
    ) -> None:
        """Request a fault for the next `times` requests of a kind whose body contains `match`.

        With -1 it lasts until cleared. Raises ValueError for an unknown mode.
        """
        if mode not in MODES and not Fault(mode).status:
            raise ValueError(f"no such fault: {mode}")
        self._execute_sql(
            "INSERT INTO faults (account, kind, mode, times, seconds, retry_after, lookup_lag, "
            "match)"
            " VALUES (?,?,?,?,?,?,?,?)",
            *(
                account,
                on,
                mode,
                _FOR_EVER if mode == "lag" else times,
                seconds,
                retry_after,
                lookup_lag,
                match,
            ),
        )

    def clear_faults(self) -> None:
        """Delete all faults."""
        self._execute_sql("DELETE FROM faults")

    def list_pending_faults(self) -> list[dict[str, Any]]:
        """Return the faults that have not occurred yet."""
        return [
            dict(row)
            for row in self._execute_sql("SELECT * FROM faults WHERE times != 0 ORDER BY id")
        ]

    def take_fault(self, account: str, kind: str, body: bytes = b"") -> Fault:
        """Return the fault for this request and decrement its counter."""
        rows = self._execute_sql(
            "UPDATE faults SET times = max(times - 1, -1) WHERE id = (SELECT id FROM faults WHERE "
            "times != 0"
            " AND mode != 'lag' AND (account IN ('*', ?) OR account LIKE '*-of-%' AND ? LIKE '%' "
            "|| substr(account, 2))"
            " AND (kind = ? OR (kind = '*' AND ? != 'updates'))"
            " AND (match = '' OR instr(?, CAST(match AS BLOB)) > 0) ORDER BY id LIMIT 1) "
            "RETURNING *",
            *(account, account, kind, kind, body),
        )
        if not rows:
            return NO_FAULT
        asked = rows[0]
        return Fault(
            asked["mode"],
            asked["seconds"],
            asked["retry_after"],
            asked["account"].startswith("*-of-"),
        )

    def lag_seconds(self, account: str) -> float:
        """Return the seconds for which look-ups of the account do not show new objects."""
        rows = self._execute_sql(
            "SELECT coalesce(max(lookup_lag), 0) AS lag FROM faults WHERE mode = 'lag' AND "
            "account IN ('*', ?)",
            account,
        )
        return float(rows[0]["lag"])

    def record_request(
        self, call: "PlatformCall", body: bytes, *, accepted: bool, status: int, fault: Fault
    ) -> None:
        """Record a request as received."""
        self._execute_sql(
            "INSERT INTO record (at, method, path, account, kind, digest, size, accepted, status, "
            "fault)"
            " VALUES (?,?,?,?,?,?,?,?,?,?)",
            *(self.now(), call.method, call.path, call.account, call.kind),
            *(hashlib.sha256(body).hexdigest(), len(body), accepted, status, fault.mode),
        )

    def list_requests(self, after: int = 0, limit: int = 10_000) -> list[dict[str, Any]]:
        """Return the requests received after an ID, oldest first, without requests for updates."""
        return [
            dict(row)
            for row in self._execute_sql(
                "SELECT * FROM record WHERE id > ? ORDER BY id LIMIT ?", after, limit
            )
        ]


@dataclass(frozen=True)
class PlatformCall:
    """A request to the platform's API."""

    method: str
    path: str
    account: str
    kind: str


class FaultyNetwork:
    """ASGI middleware for the whole app. `call_of` returns the kind of an API request, or None for
    other requests."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        book: FaultBook,
        call_of: Callable[[str, str], PlatformCall | None],
        latency_ms: int = 0,
    ) -> None:
        self._app = app
        self._book = book
        self._call_of = call_of
        self._latency = latency_ms / 1000

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, with or without a fault."""
        call = self._call_of(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if call is None:
            await self._app(scope, receive, send)
            return
        body = await _read_body(receive)
        if body is None:
            return  # The request was aborted.
        fault = self._book.take_fault(call.account, call.kind, body)
        if self._latency:
            await asyncio.sleep(self._latency / 2)
        if not fault.is_acted_upon:
            self._book.record_request(call, body, accepted=False, status=fault.status, fault=fault)
            await _send_failure(fault, scope, receive, send)
            return
        start, answer = await self._taken_in(scope, body, receive)
        if call.kind != "updates":
            status = int(start["status"])
            self._book.record_request(call, body, accepted=status < 400, status=status, fault=fault)
        if self._latency:
            await asyncio.sleep(self._latency / 2)
        if fault is NO_FAULT:
            start["headers"] = [*start["headers"], (b"x-sandbox-now", self._book.now().encode())]
            await send(start)
            await send({"type": "http.response.body", "body": answer})
        else:
            await _send_corrupt_response(fault, answer, scope, receive, send)

    async def _taken_in(self, scope: Scope, body: bytes, receive: Receive) -> tuple[Message, bytes]:
        """Let the app process the request, and return its response without sending it."""
        handed = False
        sent: list[Message] = []

        async def again() -> Message:
            nonlocal handed
            if not handed:
                handed = True
                return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        async def keep(message: Message) -> None:
            sent.append(message)

        await self._app(scope, again, keep)
        return sent[0], b"".join(message.get("body", b"") for message in sent[1:])


async def _read_body(receive: Receive) -> bytes | None:
    """Return the request's body, or None if the client disconnected before its end."""
    body = bytearray()
    while len(body) <= MAX_REQUEST_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return bytes(body)


async def _send_failure(fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
    if fault.mode == "hang":
        await _wait_for_disconnect(fault.seconds, receive)
    if fault.mode == "refuse":
        await _send_response(403, b'{"error":"content_refused"}', {}, send)
    elif fault.status:
        wait = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
        word = b"application_limited" if fault.whole_app and fault.status == 429 else b"asked_for"
        await _send_response(fault.status, b'{"error":"%s"}' % word, wait, send)
    else:
        await reset_connection(scope)


async def _send_corrupt_response(
    fault: Fault, answer: bytes, scope: Scope, receive: Receive, send: Send
) -> None:
    if fault.mode == "accept_then_hang":
        await _wait_for_disconnect(fault.seconds, receive)
    if fault.mode == "garbage":
        await _send_response(201, answer[: len(answer) // 2], {}, send)
    elif fault.mode == "drip":
        await _send_slowly(answer, fault.seconds, send)
    elif fault.status:
        await _send_response(fault.status, b'{"error":"asked_for"}', {}, send)
    else:
        await reset_connection(scope)


async def _send_response(status: int, body: bytes, headers: Mapping[str, str], send: Send) -> None:
    told = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    pairs = [(name.encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


async def _send_slowly(body: bytes, seconds: float, send: Send) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 201, "headers": [length]})
    for byte in body:
        await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
        await asyncio.sleep(seconds / max(1, len(body)))
    await send({"type": "http.response.body", "body": b""})


async def _wait_for_disconnect(seconds: float, receive: Receive) -> None:
    """Wait until the client disconnects or the time is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


async def reset_connection(scope: Scope) -> None:
    """Reset the TCP connection: with SO_LINGER 0 the kernel sends RST instead of FIN."""
    transport: asyncio.Transport | None = scope.get(_TRANSPORT)
    if transport is None:
        raise RuntimeError("resets need uvicorn with http=ResettableProtocol")
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await asyncio.sleep(
        0
    )  # Lets uvicorn process the disconnect before the app returns; it would respond with 500.


class ResettableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, with the connection exposed to the app."""

    def connection_made(  # type: ignore[override]  # as in uvicorn
        self, transport: asyncio.Transport
    ) -> None:
        """Store this connection in the app's scope."""
        super().connection_made(transport)
        app = self.app

        async def bound(scope: Scope, receive: Receive, send: Send) -> None:
            scope[_TRANSPORT] = transport
            await app(scope, receive, send)

        self.app = bound


def fault_server_config(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    """Return the server configuration: with a resettable protocol and a short graceful shutdown."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=ResettableProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
        server_header=False,
    )
