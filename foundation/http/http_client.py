"""The HTTP client. For each failure it reports whether the request may have been sent.

The caller retries an unsent request; the outcome of a sent one is uncertain.
"""

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
)  # httpx logs full URLs, and some contain a token.

CONNECT_SECONDS = 5.0
RESPONSE_TOO_LARGE = "answer too large"
MAX_RESPONSE_BYTES = 32 * 1024 * 1024
"""Maximum bytes of a response; those of platforms are small."""


@dataclass(frozen=True)
class HttpRequest:
    """An HTTP request. `deadline` is the total time in seconds, slow responses included."""

    method: str
    url: str = field(repr=False)
    """The URL, which may contain a token, as with Telegram and Meta."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    deadline: float = 30.0
    max_bytes: int = MAX_RESPONSE_BYTES
    """Maximum bytes of the response body; with 0 the body is not read and only the status counts.
    """


@dataclass(frozen=True)
class HttpResponse:
    """A response. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json_body(self) -> Any:
        """Return the body as JSON, or None if it is invalid, truncated or nested too deeply."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class RequestNotSent:
    """The request was not sent: DNS, refused connection, TLS or connect timeout. Safe to retry."""

    detail: str


@dataclass(frozen=True)
class ResponseLost:
    """The request may have been processed, but no usable response was received."""

    detail: str


def encode_multipart(
    fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes, str]]
) -> tuple[str, bytes]:
    """Return content type and body of a multipart/form-data request.

    Each file is a tuple of name, bytes and media type.
    """
    encoded = httpx.Request("POST", "http://nowhere", data=dict(fields), files=dict(files))
    return encoded.headers["content-type"], encoded.read()


class _DeadlineStream(httpcore.NetworkStream):
    """Limits every read and write by the time left until the request's deadline.

    A server that sends slowly cannot exceed it.
    """

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
        """Write as httpcore does, but with the remaining time instead of the full timeout for each
        chunk."""
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
        ) as error:  # A name that cannot be encoded for DNS is not an address.
            raise httpcore.ConnectError(str(error)) from error
        return _DeadlineStream(stream, self._until)


@cache
def tls_context() -> ssl.SSLContext:
    """Return the TLS context with the trusted authorities, loaded once per process.

    Loading takes 25 ms. Threads may share a context that is not changed:
    https://docs.openssl.org/3.0/man3/SSL_CTX_new/#notes
    """
    return httpx.create_ssl_context()


class HttpClient:
    """Sends single requests without redirects, retries, cookies, environment proxies or keep-alive.

    If a server closes a kept-alive connection during a write, this is indistinguishable from a lost
    response. Every request therefore uses a new connection: a handshake costs less than an
    uncertain post that a member must check.
    """

    def __init__(
        self, *, max_connections: int = 64, reach: AddressPolicy = allow_any_address
    ) -> None:
        """Create a client whose connections are limited by the policy `reach`."""
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
        )  # The client serves all accounts, so it stores no cookies.
        self._client = httpx.Client(
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            cookies=unkept,
            headers={"accept-encoding": "gzip"},
        )

    def send(self, request: HttpRequest) -> HttpResponse | RequestNotSent | ResponseLost:
        """Send a request once. Never raises for network errors."""
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
        """Close the client's sockets."""
        self._client.close()


def _iter_decoded_body(response: httpx.Response, most: int) -> Iterator[bytes]:
    """Yield the decoded body in chunks of little more than `most` bytes.

    A few hundred compressed bytes can expand to gigabytes. Raises DecodingError for encodings that
    were not requested, which have no such limit.
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
