"""Temporary URLs for platforms that fetch media: one random URL per permit and file, valid as long
as its step needs it.

A URL becomes invalid when its step ends, when a newer one is created for the same file, after 15
minutes, and as soon as the gate would no longer allow the file. Each fetch is recorded.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from channels.links.models import MediaUrlFetchRow, MediaUrlRow
from connectors.contract.connector import FileRef
from foundation.db.database import OpenScope, Scope
from foundation.ids import INSTALLATION_ID, uuid7
from gate.contract.permit import Permit
from gate.contract.reasons import Reason
from gate.copies import live_copies
from gate.permits.validity import recheck_permit

MEDIA_URL_LIFETIME = timedelta(minutes=15)
MEDIA_URL_PATH = "/lent/"
MEDIA_URL_ACTOR = "system:lending"
FILE_SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "video/mp4": "mp4"}
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class MediaUrl:
    """A temporary URL with its current validity; `refused` is the reason why the file is no longer
    served."""

    id: UUID
    sha256: str
    mime: str
    refused: str = ""

    @property
    def file_name(self) -> str:
        """Return the last part of the URL."""
        return media_file_name(self.sha256, self.mime)


@dataclass(frozen=True)
class MediaUrlFetch:
    """A recorded request for a temporary URL."""

    at: datetime
    status: int
    size: int
    reason: str


def media_file_name(sha256: str, mime: str) -> str:
    """Return the last part of a URL: the digest of the file and its extension."""
    return f"{sha256}.{FILE_SUFFIXES[mime]}"


def create_media_url(permit: Permit, file: FileRef, *, tenant: OpenScope, base: str) -> str:
    """Create a temporary URL for one file of one permit.

    `base` is the public base URL of this installation; without one, return "".
    """
    if not base:
        return ""
    token = secrets.token_urlsafe(32)
    with tenant(permit.tenant_id, MEDIA_URL_ACTOR) as scope:
        copy = live_copies.find_copy(scope, permit.jti)
        if copy is None:
            return ""
        scope.add(
            MediaUrlRow(
                tenant_id=permit.tenant_id,
                id=uuid7(),
                creator_id=copy.creator_id,
                channel_id=permit.channel_id,
                permit_jti=permit.jti,
                subject_kind=permit.subject.kind,
                subject_id=permit.subject.id,
                sha256=file.sha256,
                mime=file.mime,
                digest=token_digest(token),
                expires_at=scope.now + MEDIA_URL_LIFETIME,
            )
        )
    return f"{base.rstrip('/')}{MEDIA_URL_PATH}{token}/{media_file_name(file.sha256, file.mime)}"


def token_digest(token: str) -> str:
    """Return the stored form of the random part of a URL."""
    return hashlib.sha256(token.encode()).hexdigest()


def find_media_url(tenant: OpenScope, token: str) -> tuple[UUID, UUID] | None:
    """Return `(tenant, id)` of a temporary URL, or None."""
    if not _TOKEN.fullmatch(token):  # Malformed input never reaches the database.
        return None
    with tenant(INSTALLATION_ID, MEDIA_URL_ACTOR, role="door") as scope:
        row = scope.run(
            "SELECT tenant_id, id FROM lent_files WHERE digest = :digest",
            digest=token_digest(token),
        ).first()
    return (row.tenant_id, row.id) if row is not None else None


_STANDS = """
SELECT l.id, l.sha256, l.mime, l.permit_jti, l.expires_at > house_now()
  AND NOT EXISTS (SELECT FROM attempts a WHERE a.tenant_id = l.tenant_id AND a.subject_kind =
  l.subject_kind
    AND a.subject_id = l.subject_id AND (a.publish_armed_at >= l.created_at
      OR (a.closed_at >= l.created_at AND a.outcome <> 'retry')))
  AND NOT EXISTS (SELECT FROM lent_files n WHERE n.tenant_id = l.tenant_id AND n.subject_id =
  l.subject_id
    AND n.sha256 = l.sha256 AND n.created_at > l.created_at) AS needed
FROM lent_files l WHERE l.tenant_id = :tenant AND l.id = :id
"""
"""An attempt that ended with Retry keeps the URL valid, because the platform may still fetch the
file. Any other outcome invalidates it."""


def read_media_url(scope: Scope, lent_id: UUID) -> MediaUrl:
    """Return a temporary URL with its current validity, for which its permit is judged again."""
    row = scope.run(_STANDS, tenant=scope.tenant_id, id=lent_id).one()
    if not row.needed:
        return MediaUrl(row.id, row.sha256, row.mime, Reason.PERMIT_EXPIRED)
    judged = recheck_permit(scope, row.permit_jti)
    return MediaUrl(row.id, row.sha256, row.mime, "" if judged.is_valid else judged.reasons[0])


def record_fetch(
    scope: Scope, lent_id: UUID, *, status: int, size: int, reason: str, address: str
) -> None:
    """Record a request for a temporary URL from `address`, and the response."""
    source = hmac.new(lent_id.bytes, address.encode(), hashlib.sha256).hexdigest()[:32]
    scope.add(
        MediaUrlFetchRow(
            tenant_id=scope.tenant_id,
            id=uuid7(),
            lent_id=lent_id,
            status=status,
            size=size,
            reason=reason,
            source=source,
        )
    )


def fetches_of(scope: Scope, lent_id: UUID) -> list[MediaUrlFetch]:
    """Return the requests for a temporary URL, oldest first."""
    rows = scope.run(
        "SELECT created_at, status, size, reason FROM lent_reads WHERE tenant_id = :tenant AND "
        "lent_id = :id"
        " ORDER BY created_at, id",
        tenant=scope.tenant_id,
        id=lent_id,
    )
    return [MediaUrlFetch(*row) for row in rows]
