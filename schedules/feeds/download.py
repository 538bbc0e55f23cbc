"""Downloads of feeds: limited in size and time, from allowed addresses, and only if they
changed."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from foundation.http.http_client import (
    RESPONSE_TOO_LARGE,
    HttpClient,
    HttpRequest,
    HttpResponse,
    RequestNotSent,
    ResponseLost,
)
from foundation.i18n.translation import Message

SECONDS = 15.0
MAX_BYTES = 2 * 2**20
MAX_REDIRECTS = 3
"""Maximum number of redirects followed; each target is checked like the first address."""

MayReach = Callable[[str], bool]
"""Function that returns True if the installation can connect to an address."""

_MOVED = frozenset({301, 302, 303, 307, 308})
_ASKS = {
    "user-agent": "Greenroom",
    "accept": "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.1",
    # Uncompressed, so that MAX_BYTES also limits the text that is parsed.
    "accept-encoding": "identity",
}


@dataclass(frozen=True)
class FeedDownload:
    """A downloaded feed with its cache validators.

    `address` is the final address after redirects. Parsing needs it and `content_type`.
    """

    body: bytes
    etag: str
    modified: str
    address: str = ""
    content_type: str = ""


class FeedUnchanged:
    """The feed has not changed."""


DownloadResult = FeedDownload | FeedUnchanged | Message
"""The result of a download; a Message states the reason for a failure."""

DownloadFeed = Callable[[str, str, str], DownloadResult]
"""Function that downloads an address, given the ETag and the modification date of the last
response."""


def download_feed(
    address: str,
    etag: str,
    modified: str,
    *,
    http: HttpClient,
    may_reach: MayReach,
    seconds: float = SECONDS,
) -> DownloadResult:
    """Download a feed, waiting at most `seconds` for each response.

    Server errors are returned as a Message, not raised.
    """
    asks = {**_ASKS}
    if etag:
        asks["if-none-match"] = etag
    if modified:
        asks["if-modified-since"] = modified
    for _ in range(MAX_REDIRECTS + 1):
        if not may_reach(address):
            return Message("feed.unreachable_place", {"host": _host_name(address)})
        reply = http.send(HttpRequest("GET", address, asks, deadline=seconds, max_bytes=MAX_BYTES))
        if not isinstance(reply, HttpResponse) or reply.status not in _MOVED:
            return _result_from_response(reply, address)
        try:
            address = urljoin(address, reply.headers.get("location", ""))
        except ValueError:
            return Message("feed.refused", {"status": reply.status})
    return Message("feed.sent_round")


def _result_from_response(
    reply: HttpResponse | RequestNotSent | ResponseLost, address: str
) -> DownloadResult:
    match reply:
        case HttpResponse(status=304):
            return FeedUnchanged()
        case HttpResponse(status=200, headers=headers, body=body):
            return FeedDownload(
                body,
                _clean_cache_validator(headers.get("etag", "")),
                _clean_cache_validator(headers.get("last-modified", "")),
                address,
                headers.get("content-type", ""),
            )
        case HttpResponse(status=status):
            return Message("feed.refused", {"status": status})
        case ResponseLost(detail=detail) if detail == RESPONSE_TOO_LARGE:
            return Message("feed.too_large", {"most": MAX_BYTES // 2**20})
        case _:
            return Message("feed.no_answer", {"host": _host_name(address)})


def _clean_cache_validator(said: str) -> str:
    """Return a cache validator that is safe to send back: short printable ASCII, or "" for any
    other value."""
    return said if len(said) <= 300 and said.isascii() and said.isprintable() else ""


def _host_name(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "…")[:80]
    except ValueError:
        return "…"
