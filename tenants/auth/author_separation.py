"""Who is behind what is about to leave: its creator, the member who wrote it and who counts as that
member."""

from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import GENERIC_PLAN_SQL, Scope
from tenants.agencies import queries
from tenants.auth import device_fingerprints


@dataclass(frozen=True)
class Authorship:
    """What is unknown in this agency is None; `same` are the principals of those who count as who
    wrote it."""

    creator: queries.Creator | None
    writer: queries.AuthorSummary | None
    same_humans: frozenset[UUID]
    demo: bool = False
    """The agency is a demonstration."""


_PARTIES = f"""
SELECT c.id, c.slug, c.name, c.kind, c.zone, c.languages, c.rating_ceiling, c.approval_tiers,
c.approve_times,
  m.principal_id, m.role, m.active, m.adult_chat, {device_fingerprints.SAME_HUMAN_SQL} AS same,
  {GENERIC_PLAN_SQL} AS planned,
  COALESCE((SELECT a.demo FROM agencies a WHERE a.tenant_id = :tenant LIMIT 1), false) AS demo
FROM (VALUES (1)) one LEFT JOIN creators c ON c.tenant_id = :tenant AND c.id = :creator
LEFT JOIN members m ON m.tenant_id = :tenant AND m.id = :member
"""  # noqa: S608 - constants of our own
"""In one statement, since every claim asks; those that follow it in the transaction look up by
key."""


def find_authorship(scope: Scope, creator_id: UUID, member_id: UUID | None) -> Authorship:
    """The creator and the member of these ids."""
    asked = {
        "creator": creator_id,
        "member": member_id,
        "window": device_fingerprints.FINGERPRINT_WINDOW,
    }
    row = scope.run(_PARTIES, tenant=scope.tenant_id, **asked).one()
    creator = queries.creator_from_row(row) if row.id is not None else None
    writer = queries.author_from_row(row) if row.principal_id is not None else None
    return Authorship(creator, writer, frozenset(row.same), row.demo)
