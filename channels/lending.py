"""Files lent to platforms that fetch them: one address for one permit, random, for as long as its step needs it.

The address is over when the step that waits for it has ended, when a newer one was lent for the same file, after a
quarter of an hour, and as soon as the gate would not let the file out any more. Who fetched what is kept.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint

from channels.models import of_channel
from connectors.contract import FileRef
from foundation.database import CreatorRow, OpenScope, Scope, TenantRow, instant, table
from foundation.ids import HOUSE, uuid7
from gate import copies
from gate.permit import Permit
from gate.reasons import Reason
from gate.standing import standing

LIVES = timedelta(minutes=15)
PATH = "/lent/"
LENDING = "system:lending"
SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "video/mp4": "mp4"}
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class LentFileRow(CreatorRow, table=True):
    """One address under which a platform may fetch one file; known by the digest of its random part."""

    __tablename__ = "lent_files"
    __table_args__ = table(
        UniqueConstraint("tenant_id", "digest", name="lent_files_digest"),
        Index("lent_files_found", "digest"),
        Index("lent_files_subject", "tenant_id", "subject_id", "sha256", "created_at"),
        of_channel(),
        ForeignKeyConstraint(["tenant_id", "permit_jti"], ["permits.tenant_id", "permits.id"]),
        about="creator",
        keep="30 days",
    )
    channel_id: UUID
    permit_jti: UUID
    subject_kind: str
    subject_id: UUID
    sha256: str
    mime: str
    digest: str
    expires_at: datetime = instant()


class LentReadRow(TenantRow, table=True):
    """One request for a lent file: what was answered, and why it was refused."""

    __tablename__ = "lent_reads"
    __table_args__ = table(
        Index("lent_reads_file", "tenant_id", "lent_id", "created_at"),
        ForeignKeyConstraint(["tenant_id", "lent_id"], ["lent_files.tenant_id", "lent_files.id"]),
        about="nobody",
        keep="30 days",
    )
    lent_id: UUID
    status: int
    size: int
    """Bytes of the file that were handed out."""
    reason: str
    source: str
    """Where it came from, as a digest keyed by the address: the same visitor is known again there, and nowhere else."""


@dataclass(frozen=True)
class Lent:
    """A lent file as it stands; `refused` says why it is not handed out any more."""

    id: UUID
    sha256: str
    mime: str
    refused: str = ""

    @property
    def name(self) -> str:
        """What the address ends with."""
        return file_name(self.sha256, self.mime)


@dataclass(frozen=True)
class Fetched:
    """One request for a lent file, as the log keeps it."""

    at: datetime
    status: int
    size: int
    reason: str


def file_name(sha256: str, mime: str) -> str:
    """The last part of an address: the bytes it can only mean, and what they are."""
    return f"{sha256}.{SUFFIXES[mime]}"


def lend(permit: Permit, file: FileRef, *, tenant: OpenScope, base: str) -> str:
    """An address for one file of one permit. `base` is what the outside calls this installation; "" gives none."""
    if not base:
        return ""
    token = secrets.token_urlsafe(32)
    with tenant(permit.tenant_id, LENDING) as scope:
        copy = copies.copy(scope, permit.jti)
        if copy is None:
            return ""
        scope.add(
            LentFileRow(
                tenant_id=permit.tenant_id,
                id=uuid7(),
                creator_id=copy.creator_id,
                channel_id=permit.channel_id,
                permit_jti=permit.jti,
                subject_kind=permit.subject.kind,
                subject_id=permit.subject.id,
                sha256=file.sha256,
                mime=file.mime,
                digest=digest(token),
                expires_at=scope.now + LIVES,
            )
        )
    return f"{base.rstrip('/')}{PATH}{token}/{file_name(file.sha256, file.mime)}"


def digest(token: str) -> str:
    """What is kept of the random part of an address."""
    return hashlib.sha256(token.encode()).hexdigest()


def find(tenant: OpenScope, token: str) -> tuple[UUID, UUID] | None:
    """`(tenant, lent file)` of an address; None for one that never was."""
    if not _TOKEN.fullmatch(token):  # whatever a stranger types never reaches the database
        return None
    with tenant(HOUSE, LENDING, role="door") as scope:
        row = scope.run("SELECT tenant_id, id FROM lent_files WHERE digest = :digest", digest=digest(token)).first()
    return (row.tenant_id, row.id) if row is not None else None


_STANDS = """
SELECT l.id, l.sha256, l.mime, l.permit_jti, l.expires_at > house_now()
  AND NOT EXISTS (SELECT FROM attempts a WHERE a.tenant_id = l.tenant_id AND a.subject_kind = l.subject_kind
    AND a.subject_id = l.subject_id AND (a.publish_armed_at >= l.created_at
      OR (a.closed_at >= l.created_at AND a.outcome <> 'retry')))
  AND NOT EXISTS (SELECT FROM lent_files n WHERE n.tenant_id = l.tenant_id AND n.subject_id = l.subject_id
    AND n.sha256 = l.sha256 AND n.created_at > l.created_at) AS needed
FROM lent_files l WHERE l.tenant_id = :tenant AND l.id = :id
"""
"""A try that ended with "later" leaves it: the platform may still be fetching. Any other end of the step ends it."""


def lent(scope: Scope, lent_id: UUID) -> Lent:
    """A lent file, judged now: with the decision of its permit as it would be made at this moment."""
    row = scope.run(_STANDS, tenant=scope.tenant_id, id=lent_id).one()
    if not row.needed:
        return Lent(row.id, row.sha256, row.mime, Reason.PERMIT_EXPIRED)
    judged = standing(scope, row.permit_jti)
    return Lent(row.id, row.sha256, row.mime, "" if judged.holds else judged.reasons[0])


def note(scope: Scope, lent_id: UUID, *, status: int, size: int, reason: str, address: str) -> None:
    """Keep that somebody asked for a lent file, from `address`, and what they got."""
    source = hmac.new(lent_id.bytes, address.encode(), hashlib.sha256).hexdigest()[:32]
    scope.add(
        LentReadRow(
            tenant_id=scope.tenant_id,
            id=uuid7(),
            lent_id=lent_id,
            status=status,
            size=size,
            reason=reason,
            source=source,
        )
    )


def fetches(scope: Scope, lent_id: UUID) -> list[Fetched]:
    """Who asked for a lent file, oldest first."""
    rows = scope.run(
        "SELECT created_at, status, size, reason FROM lent_reads WHERE tenant_id = :tenant AND lent_id = :id"
        " ORDER BY created_at, id",
        tenant=scope.tenant_id,
        id=lent_id,
    )
    return [Fetched(*row) for row in rows]
