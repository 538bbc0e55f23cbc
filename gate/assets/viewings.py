"""Records of pictures shown to members, written only by the code that serves them unblurred.

A click is only a request; a row here proves that the bytes were served. Decisions about contact
sheets rely on these rows alone.
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
"""Time for which a picture counts as viewed by a member who reviews it."""

AGAIN = timedelta(minutes=5)
"""Time within which repeated views of a picture by the same person are not recorded again."""


class Showing(TenantRow, table=True):
    """Bytes that were shown to a person, unblurred. Append-only."""

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
    """Record that these bytes are shown to a member, whole and unblurred. Unknown bytes are
    ignored."""
    scope.run(
        _NOTE,
        tenant=scope.tenant_id,
        id=uuid7(),
        principal=member.principal_id,
        sha256=sha256,
        again=AGAIN,
    )


def viewed_digests_of(scope: Scope, principal: UUID, digests: Collection[str]) -> frozenset[str]:
    """Return the digests that were shown to this person in the last hour."""
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
