"""External custodians, who check identities and ages for an agency without working in it.

A confirmation of a custodian counts while no member of the agency has the principal of the
custodian, or was seen on their devices or networks.
"""

from foundation.db.database import Scope
from foundation.errors import Refused
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.auth import device_fingerprints

INSIDE_CUSTODIAN_SQL = """
(EXISTS (SELECT FROM members c
  JOIN sightings mine ON mine.tenant_id = c.tenant_id AND mine.principal_id = c.principal_id
  JOIN sightings other ON other.tenant_id = mine.tenant_id AND other.digest = mine.digest
    AND other.principal_id <> mine.principal_id AND NOT other.guest
  WHERE c.tenant_id = i.tenant_id AND c.id = i.custodian_id
    AND mine.seen_on > CAST(people_now() - interval '90 days' AS date)
    AND other.seen_on > CAST(people_now() - interval '90 days' AS date))
OR EXISTS (SELECT FROM members c
  JOIN members m ON m.tenant_id = c.tenant_id AND m.principal_id = c.principal_id
    AND m.role NOT IN ('guest', 'custodian')
  WHERE c.tenant_id = i.tenant_id AND c.id = i.custodian_id))
"""
"""True if the custodian of a row `i` is a member under another login, or shared a device or network
with a member within `device_fingerprints.FINGERPRINT_WINDOW`."""

_MEMBERS = """
SELECT EXISTS (SELECT FROM members WHERE tenant_id = :tenant AND principal_id = ANY(:principals)
  AND role NOT IN ('guest', 'custodian'))
"""


def get_acting_custodian(scope: Scope) -> queries.Member:
    """Return the custodian the scope acts for.

    Raises Refused for other roles, for a custodian who is a member under another login and for one
    who shared a device or network with a member, and NotFound for a removed custodian.
    """
    member = queries.get_acting_member(scope, "role.forbidden.vouch")
    require_right(member.role, Right.VOUCH)
    same = device_fingerprints.same_humans(scope, member.principal_id)
    people = [member.principal_id, *same.get(member.principal_id, ())]
    if scope.run(_MEMBERS, tenant=scope.tenant_id, principals=people).scalar_one():
        raise Refused("proof.same_human")
    return member
