"""HTTP responses with conditional requests and byte ranges (RFC 9110, sections 13 and 14)."""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import Request
from fastapi.responses import Response
from fastapi.telemetry import TelemetryConfig

READ_METHODS = ["GET", "HEAD"]

NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""Configuration that disables FastAPI's telemetry regardless of the environment, so that no visit
is traced."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; base-uri 'none'; "
    "form-action 'self';"
    " frame-ancestors 'none'"
)
"""Content Security Policy of public pages: resources of this host only, and no scripts."""

PAGE_CACHE = "public, max-age=60"
FEED_CACHE = "public, max-age=300"
FILE_CACHE = "private, max-age=31536000, immutable"
"""Cache policy of files. Their content never changes, but shared caches must not store them because
a file may have to be removed."""

CLOCK_GRANULARITY = timedelta(seconds=2)
"""Minimum age of a change before Last-Modified is sent. The header counts whole seconds, so a
second change within the same second would go unnoticed."""

_TAG = re.compile(r'(?:W/)?("[^"]*")')
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def entity_tag(body: bytes) -> str:
    """Return a strong entity tag of the bytes."""
    return f'"{hashlib.sha256(body).hexdigest()}"'


def html_response(
    request: Request,
    body: bytes,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    fresh: bool = True,
) -> Response:
    """Build an HTML response. It may be cached for a minute if `status` is 200 and `fresh` is True;
    other responses are not stored."""
    if status != 200 or not fresh:
        later = {"retry-after": "5"} if status == 503 else {}
        return Response(
            body, status, {"cache-control": "no-store", **later, **(headers or {})}, "text/html"
        )
    return document_response(
        request, body, mime="text/html; charset=utf-8", cache=PAGE_CACHE, headers=headers
    )


def document_response(
    request: Request,
    body: bytes,
    *,
    mime: str,
    cache: str,
    changed_at: datetime | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Build the response for a document, or 304 if the client's copy is current.

    `changed_at` (UTC-aware) sets Last-Modified. Pass None if no instant describes the last change.
    """
    tag = entity_tag(body)
    own = {"etag": tag, "cache-control": cache, **(headers or {})}
    if changed_at is not None:
        # HTTP dates have no fractions of a second.
        own["last-modified"] = format_datetime(changed_at.replace(microsecond=0), usegmt=True)
    if _is_copy_current(request.headers, tag, changed_at):
        return Response(status_code=304, headers=own)
    return Response(body, headers=own | {"content-type": mime})


def file_response(
    request: Request, body: bytes, *, tag: str, mime: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Build the response for an immutable file: the whole file, one byte range, or 304.

    `headers` override the cache policy.
    """
    own = {"etag": tag, "cache-control": FILE_CACHE, "accept-ranges": "bytes", **(headers or {})}
    if _is_copy_current(request.headers, tag, None):
        return Response(status_code=304, headers=own)
    own["content-type"] = mime
    asked = request.headers.get("range", "")
    if not asked or request.headers.get("if-range", tag) != tag:
        return Response(body, headers=own)
    return _build_range_response(body, asked, own)


def is_cross_site(request: Request) -> bool:
    """Return True if the request was sent by a page of another site (Sec-Fetch-Site, else
    Origin)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        # "none": the user entered the URL or opened a bookmark.
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host", "")


def _build_range_response(body: bytes, asked: str, headers: dict[str, str]) -> Response:
    found = _RANGE.fullmatch(asked.strip())
    if found is None or found[1] == found[2] == "":
        return Response(
            body, headers=headers
        )  # several ranges or another unit: a server may ignore them (14.2)
    size = len(body)
    if found[1]:
        first = int(found[1])
        last = min(int(found[2] or size - 1), size - 1)
    else:
        first = max(size - int(found[2]), 0)
        last = size - 1
    if first > last:
        return Response(status_code=416, headers=headers | {"content-range": f"bytes */{size}"})
    return Response(
        body[first : last + 1], 206, headers | {"content-range": f"bytes {first}-{last}/{size}"}
    )


def _is_copy_current(headers: Mapping[str, str], tag: str, changed_at: datetime | None) -> bool:
    """Return True if the client's copy is current. If-None-Match takes precedence over
    If-Modified-Since (13.2.2)."""
    wanted = headers.get("if-none-match")
    if wanted is not None:
        return wanted.strip() == "*" or tag in _TAG.findall(wanted)
    return changed_at is not None and _is_unchanged_since(
        headers.get("if-modified-since", ""), changed_at
    )


def _is_unchanged_since(since: str, changed_at: datetime) -> bool:
    try:
        seen = parsedate_to_datetime(since)
    except (ValueError, OverflowError):
        return False
    # A date with the zone "-0000" is parsed as naive.
    return seen.tzinfo is not None and changed_at.replace(microsecond=0) <= seen
