"""What was really shown to whom: whoever serves a picture unblurred to a member writes it here, and
nobody else does.

A press is a wish to see; a row here says that the bytes were handed out. Sheets are judged by these
rows alone.
"""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.db.tables import FOREVER, TenantRow, table_arguments
from foundation.ids import uuid7
from tenants.agencies import queries

LIFE = timedelta(hours=1)
"""So long somebody a picture was shown to counts as having seen it when they judge it."""

AGAIN = timedelta(minutes=5)
"""So long the same picture shown again to the same human is the same showing."""


class Showing(TenantRow, table=True):
    """Bytes that were shown to a human, unblurred. Append-only."""

    __tablename__ = "showings"
    __table_args__ = table_arguments(
        Index("showings_who", "tenant_id", "principal_id", "sha256", "created_at"),
        about="member",
        keep=FOREVER,
    )
    principal_id: UUID
    sha256: str


_NOTE = """
INSERT INTO showings (tenant_id, id, principal_id, sha256)
SELECT r.tenant_id, :id, :principal, r.sha256 FROM renditions r
WHERE r.tenant_id = :tenant AND r.sha256 = :sha256 AND NOT EXISTS (
  SELECT FROM showings s WHERE s.tenant_id = r.tenant_id AND s.principal_id = :principal AND
  s.sha256 = r.sha256
    AND s.created_at > house_now() - CAST(:again AS interval))
"""


def record_viewing(scope: Scope, member: queries.Member, sha256: str) -> None:
    """These bytes go to a member's screen now, whole and unblurred; nothing for bytes nobody
    recorded."""
    scope.run(
        _NOTE,
        tenant=scope.tenant_id,
        id=uuid7(),
        principal=member.principal_id,
        sha256=sha256,
        again=AGAIN,
    )


def viewed_digests_of(scope: Scope, principal: UUID, digests: Collection[str]) -> frozenset[str]:
    """Those of these bytes that were shown to this human in the last hour."""
    if not digests:
        return frozenset()
    return frozenset(
        scope.session.exec(
            select(Showing.sha256).where(
                Showing.tenant_id == scope.tenant_id,
                Showing.principal_id == principal,
                col(Showing.sha256).in_(list(digests)),
                col(Showing.created_at) > scope.now - LIFE,
            )
        )
    )
