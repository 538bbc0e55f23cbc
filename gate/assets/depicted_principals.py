"""Members who are depicted in pictures, or who operate a depicted synthetic person.

They may neither review that content nor lower its rating. A member is linked to a depicted person
by a custodian's identity check or a request for one, by holding an account for them, by the address
of their subject portal links, as the creator that they are, or by declaring a synthetic person.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from foundation.db.database import Scope
from tenants.agencies import queries
from tenants.auth import device_fingerprints

_PEOPLE = """
WITH shown AS (
  SELECT DISTINCT r.sha256, d.person_id AS id FROM renditions r
  JOIN depictions d ON d.tenant_id = r.tenant_id AND d.asset_id = r.asset_id
  WHERE r.tenant_id = :tenant AND r.sha256 = ANY(:digests)
  UNION SELECT r.sha256, p.id FROM renditions r
  JOIN depiction_answers w ON w.tenant_id = r.tenant_id AND w.asset_id = r.asset_id
    AND w.answer = 'creator'
  JOIN persons p ON p.tenant_id = w.tenant_id AND p.creator_id = w.creator_id
  WHERE r.tenant_id = :tenant AND r.sha256 = ANY(:digests)),
people AS (
  SELECT sha256, id FROM shown
  UNION SELECT s.sha256, p.twin_of FROM shown s
  JOIN persons p ON p.tenant_id = :tenant AND p.id = s.id WHERE p.twin_of IS NOT NULL
  UNION SELECT s.sha256, t.id FROM shown s
  JOIN persons t ON t.tenant_id = :tenant AND t.twin_of = s.id)
SELECT k.sha256, p.creator_id,
  (SELECT l.address FROM person_links l WHERE l.tenant_id = :tenant AND l.person_id = p.id)
    AS address,
  ARRAY(SELECT i.principal_id FROM identity_checks i
      WHERE i.tenant_id = :tenant AND i.person_id = p.id AND i.principal_id IS NOT NULL
    UNION SELECT a.principal_id FROM age_requests a
      WHERE a.tenant_id = :tenant AND a.person_id = p.id AND a.principal_id IS NOT NULL
    UNION SELECT h.principal_id FROM account_holders h
      WHERE h.tenant_id = :tenant AND h.person_id = p.id AND h.ended_at IS NULL
    UNION SELECT d.declared_by FROM declarations d
      WHERE d.tenant_id = :tenant AND d.person_id = p.id) AS principals
FROM people k JOIN persons p ON p.tenant_id = :tenant AND p.id = k.id
"""


def depicted_principals(scope: Scope, digests: Collection[str]) -> Mapping[str, frozenset[UUID]]:
    """Return the principals who are depicted in each of these bytes; others are absent.

    They include members who operate a depicted synthetic person, and guests who count as one of
    them.
    """
    if not digests:
        return {}
    rows = scope.run(_PEOPLE, tenant=scope.tenant_id, digests=list(digests)).all()
    addresses = {row.address for row in rows if row.address}
    creators = {row.creator_id for row in rows if row.creator_id is not None}
    by_address = queries.principals_by_address(scope, addresses) if addresses else {}
    by_creator = queries.principals_by_creator(scope, creators) if creators else {}
    found: dict[str, set[UUID]] = {}
    for row in rows:
        own = found.setdefault(row.sha256, set())
        own |= {*row.principals, *by_creator.get(row.creator_id, ())}
        own |= by_address.get(row.address or "", set())
    same = device_fingerprints.same_humans(scope) if any(found.values()) else {}
    return {
        sha256: frozenset(own.union(*(same.get(one, ()) for one in own)))
        for sha256, own in found.items()
        if own
    }
