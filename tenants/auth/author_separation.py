"""Creator and author of an outgoing post, and the principals that count as the same human as the
author."""

from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import GENERIC_PLAN_SQL, Scope
from tenants.agencies import queries
from tenants.auth import device_fingerprints


@dataclass(frozen=True)
class Authorship:
    """Creator and author of a post, or None if unknown in this agency. `same_humans` are the
    principals that count as the author."""

    creator: queries.Creator | None
    writer: queries.AuthorSummary | None
    same_humans: frozenset[UUID]
    demo: bool = False
    """True if the agency is a demonstration."""


_PARTIES = f"""
SELECT c.id, c.slug, c.name, c.kind, c.zone, c.languages, c.rating_ceiling, c.approval_tiers,
c.approve_times, c.state, c.posts_per_day, c.avatar,
  m.principal_id, m.role, m.active, m.adult_chat, {device_fingerprints.SAME_HUMAN_SQL} AS same,
  {GENERIC_PLAN_SQL} AS planned,
  COALESCE((SELECT a.demo FROM agencies a WHERE a.tenant_id = :tenant LIMIT 1), false) AS demo
FROM (VALUES (1)) one LEFT JOIN creators c ON c.tenant_id = :tenant AND c.id = :creator
LEFT JOIN members m ON m.tenant_id = :tenant AND m.id = :member
"""  # noqa: S608 - constants of our own
"""A single statement because it runs for every claim; it also selects generic plans for the
statements that follow in the transaction."""


def find_authorship(scope: Scope, creator_id: UUID, member_id: UUID | None) -> Authorship:
    """Return the authorship for a creator and a member."""
    asked = {
        "creator": creator_id,
        "member": member_id,
        "window": device_fingerprints.FINGERPRINT_WINDOW,
    }
    row = scope.run(_PARTIES, tenant=scope.tenant_id, **asked).one()
    creator = queries.creator_from_row(row) if row.id is not None else None
    writer = queries.author_from_row(row) if row.principal_id is not None else None
    return Authorship(creator, writer, frozenset(row.same), row.demo)
