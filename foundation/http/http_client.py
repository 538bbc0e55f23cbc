"""The one HTTP client. Says of each failure whether anything left the house: that decides between
retry and doubt."""

import json
import logging
import ssl
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from foundation.http.address_policy import NOT_PUBLIC, AddressPolicy, allow_any_address
from foundation.ops.clock import monotonic

logging.getLogger("httpx").setLevel(
    logging.WARNING
)  # its lines tell whole addresses, and some bear a token

CONNECT_SECONDS = 5.0
RESPONSE_TOO_LARGE = "answer too large"
MAX_RESPONSE_BYTES = 32 * 1024 * 1024
"""Bytes of an answer we are willing to read; a platform's answer is small, a hostile one is not."""


@dataclass(frozen=True)
class HttpRequest:
    """One request. `deadline` is the total wall time in seconds, slow drips included; `most` the
    bytes of an answer."""

    method: str
    url: str = field(repr=False)
    """May bear a token: Telegram's and Meta's do."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    deadline: float = 30.0
    max_bytes: int = MAX_RESPONSE_BYTES
    """Bytes of the answer's body that are read; 0: its status says all, and none is."""


@dataclass(frozen=True)
class HttpResponse:
    """The other side answered. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json_body(self) -> Any:
        """The body as JSON; None of what is none, as of what is cut off or nested without end."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class RequestNotSent:
    """Nothing left the house: DNS, refused, TLS, connect time-out. Safe to try again."""

    detail: str


@dataclass(frozen=True)
class ResponseLost:
    """The request may have been acted upon; no usable answer came back."""

    detail: str


def encode_multipart(
    fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes, str]]
) -> tuple[str, bytes]:
    """`(content type, body)` of a multipart/form-data request; each file is (name, bytes, media
    type)."""
    encoded = httpx.Request("POST", "http://nowhere", data=dict(fields), files=dict(files))
    return encoded.headers["content-type"], encoded.read()


class _DeadlineStream(httpcore.NetworkStream):
    """Bounds every read and write by what is left of the request's deadline: a slow drip cannot
    outlive it."""

    def __init__(self, stream: httpcore.NetworkStream, until: threading.local) -> None:
        self._stream = stream
        self._until = until

    def _remaining_seconds(self, timeout: float | None) -> float:
        left = getattr(self._until, "at", monotonic() + 30.0) - monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("deadline")
        return min(left, timeout) if timeout is not None else left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._remaining_seconds(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """As httpcore does, but each bit the other side takes has the time that is left, not the
        whole of it anew."""
        sock = self._stream.get_extra_info("socket")
        rest = memoryview(buffer)
        while rest:
            try:
                sock.settimeout(self._remaining_seconds(timeout))
                rest = rest[sock.send(rest) :]
            except TimeoutError as error:
                raise httpcore.WriteTimeout(str(error)) from error
            except OSError as error:
                raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _DeadlineStream(self._stream.start_tls(*args, **kwargs), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _DeadlineBackend(httpcore.SyncBackend):
    def __init__(self, until: threading.local, reach: AddressPolicy) -> None:
        self._until = until
        self._reach = reach

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            address = self._reach(host, port)
            stream = super().connect_tcp(address, port, timeout, local_address, socket_options)
        except (
            OSError,
            UnicodeError,
        ) as error:  # a name no resolver can be asked for is no address either
            raise httpcore.ConnectError(str(error)) from error
        return _DeadlineStream(stream, self._until)


@cache
def tls_context() -> ssl.SSLContext:
    """The authorities we trust, read once a process: reading them takes 25 ms, and each client made
    did. Threads share a context safely; whoever needs another one makes it, and never changes this
    one. https://docs.openssl.org/3.0/man3/SSL_CTX_new/#notes"""
    return httpx.create_ssl_context()


class HttpClient:
    """Sends single requests over fresh connections, no redirects, no retries, no cookies, no
    proxies of others.

    A kept-alive connection that the server closes while we write is indistinguishable from a lost
    answer, so none is kept: a handshake is cheaper than a post that a person must check.
    """

    def __init__(
        self, *, max_connections: int = 64, reach: AddressPolicy = allow_any_address
    ) -> None:
        """`reach` says where a connection may go."""
        self._until = threading.local()
        context = tls_context()
        transport = httpx.HTTPTransport(verify=context, retries=0)
        transport._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=max_connections,
            max_keepalive_connections=0,
            network_backend=_DeadlineBackend(self._until, reach),
        )
        unkept = CookieJar(
            DefaultCookiePolicy(allowed_domains=())
        )  # one client speaks for all accounts
        self._client = httpx.Client(
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            cookies=unkept,
            headers={"accept-encoding": "gzip"},
        )

    def send(self, request: HttpRequest) -> HttpResponse | RequestNotSent | ResponseLost:
        """Send `request` once. Never raises for what the network does."""
        self._until.at = monotonic() + request.deadline
        timeout = httpx.Timeout(request.deadline, connect=min(CONNECT_SECONDS, request.deadline))
        try:
            return self._stream_response(request, timeout)
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.UnsupportedProtocol,
        ) as error:
            return RequestNotSent(NOT_PUBLIC if str(error) == NOT_PUBLIC else type(error).__name__)
        except (httpx.HTTPError, httpx.InvalidURL, httpcore.ReadTimeout) as error:
            return ResponseLost(type(error).__name__)

    def _stream_response(
        self, request: HttpRequest, timeout: httpx.Timeout
    ) -> HttpResponse | ResponseLost:
        with self._client.stream(
            request.method,
            request.url,
            headers=dict(request.headers),
            content=request.body,
            timeout=timeout,
        ) as response:
            body = bytearray()
            for chunk in (
                _iter_decoded_body(response, request.max_bytes) if request.max_bytes else ()
            ):
                body += chunk
                if len(body) > request.max_bytes:
                    return ResponseLost(RESPONSE_TOO_LARGE)
            return HttpResponse(
                response.status_code,
                {k.lower(): v for k, v in response.headers.items()},
                bytes(body),
            )

    def close(self) -> None:
        """Give the sockets back."""
        self._client.close()


def _iter_decoded_body(response: httpx.Response, most: int) -> Iterator[bytes]:
    """The body, in bits of little more than `most` bytes: a few hundred packed bytes can stand for
    gigabytes.

    Raises DecodingError for what we did not ask for: codings over codings, and those whose bits
    have no bounds.
    """
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        yield from response.iter_raw()
        return
    if coding not in ("gzip", "x-gzip"):
        raise httpx.DecodingError("another coding than was asked for")
    unpack = zlib.decompressobj(wbits=31)
    try:
        for chunk in response.iter_raw():
            yield unpack.decompress(chunk, most + 1)
    except zlib.error as error:
        raise httpx.DecodingError("no gzip") from error
