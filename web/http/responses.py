"""Answers as HTTP caches and players want them: conditional requests and byte ranges (RFC 9110, 13
and 14)."""

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
"""Whatever the environment says, nothing of a visit is measured by a library."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; base-uri 'none'; "
    "form-action 'self';"
    " frame-ancestors 'none'"
)
"""What a page may load (Content Security Policy): of this host alone, and no script."""

PAGE_CACHE = "public, max-age=60"
FEED_CACHE = "public, max-age=300"
FILE_CACHE = "private, max-age=31536000, immutable"
"""The bytes of an address never change, but they may have to vanish: no shared cache keeps them."""

CLOCK_GRANULARITY = timedelta(seconds=2)
"""Last-Modified counts whole seconds: what changed just now may change again within the same
one."""

_TAG = re.compile(r'(?:W/)?("[^"]*")')
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def entity_tag(body: bytes) -> str:
    """A strong entity tag over the bytes."""
    return f'"{hashlib.sha256(body).hexdigest()}"'


def html_response(
    request: Request,
    body: bytes,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    fresh: bool = True,
) -> Response:
    """An HTML page; nobody keeps one that is not `fresh` for a minute."""
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
    """The document, or 304 when the reader has it. `changed_at` (UTC-aware) is left out when no
    instant can say it."""
    tag = entity_tag(body)
    own = {"etag": tag, "cache-control": cache, **(headers or {})}
    if changed_at is not None:
        own["last-modified"] = format_datetime(changed_at.replace(microsecond=0), usegmt=True)
    if _is_copy_current(request.headers, tag, changed_at):
        return Response(status_code=304, headers=own)
    return Response(body, headers=own | {"content-type": mime})


def file_response(
    request: Request, body: bytes, *, tag: str, mime: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A file that never changes, whole or the one range that was asked for; `headers` may say that
    nobody keeps it."""
    own = {"etag": tag, "cache-control": FILE_CACHE, "accept-ranges": "bytes", **(headers or {})}
    if _is_copy_current(request.headers, tag, None):
        return Response(status_code=304, headers=own)
    own["content-type"] = mime
    asked = request.headers.get("range", "")
    if not asked or request.headers.get("if-range", tag) != tag:
        return Response(body, headers=own)
    return _build_range_response(body, asked, own)


def is_cross_site(request: Request) -> bool:
    """Whether another site's page sent a form."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host", "")


def _build_range_response(body: bytes, asked: str, headers: dict[str, str]) -> Response:
    found = _RANGE.fullmatch(asked.strip())
    if found is None or found[1] == found[2] == "":
        return Response(
            body, headers=headers
        )  # several ranges, or another unit: ignoring it is allowed (14.2)
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
    """Whether the reader's copy is this one. With If-None-Match, If-Modified-Since is not looked at
    (13.2.2)."""
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
    return seen.tzinfo is not None and changed_at.replace(microsecond=0) <= seen
