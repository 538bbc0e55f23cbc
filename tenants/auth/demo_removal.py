"""Removal of the demonstration, requested by the owner of an agency that remains.

The rows are deleted by a worker, under the database login that owns the tables.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import Refused
from foundation.ids import INSTALLATION_ID
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right


@dataclass(frozen=True)
class DemoRemovalRequested:
    """Remove the demo agencies; tenant and subject are the agency that requests it."""

    kind: ClassVar[str] = "demo.removal"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class RemovableDemo:
    """The demonstration as a member may remove it: `own` is the tenant of the member's agency that
    remains, or None if there is none yet."""

    own: UUID | None


_REMOVABLE = """
SELECT here.demo AS in_demo,
  (SELECT t.other_tenant FROM login_ties t JOIN agencies a ON a.tenant_id = t.other_tenant
   WHERE t.tenant_id = :tenant AND t.member_id = :member AND NOT a.demo
   ORDER BY t.other_tenant LIMIT 1) AS own,
  EXISTS (SELECT FROM login_ties t JOIN agencies a ON a.tenant_id = t.other_tenant
   WHERE t.tenant_id = :tenant AND t.member_id = :member AND a.demo) AS linked,
  EXISTS (SELECT FROM agencies WHERE demo) AS exists,
  (SELECT count(*) FROM agencies WHERE NOT demo) AS others
FROM agencies here WHERE here.tenant_id = :tenant
"""


def find_removable_demo(
    tenant: OpenScope, tenant_id: UUID, member: queries.Member
) -> RemovableDemo | None:
    """Return the demonstration if this member may remove it, else None.

    Owners may remove it: of the demo agency, of an agency created from it, and of the only agency
    besides it.
    """
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        row = scope.run(_REMOVABLE, tenant=tenant_id, member=member.id).one()
    try:
        require_right(member.role, Right.STAFF)
    except Refused:
        return None
    if row.in_demo:
        return RemovableDemo(row.own)
    return RemovableDemo(tenant_id) if row.linked or (row.exists and row.others == 1) else None


def request_demo_removal(scope: Scope) -> None:
    """Request the removal in the tenant of the agency that remains, as its owner.

    Raises Refused for other members and in a demo agency, whose rows are deleted.
    """
    require_right(queries.get_acting_member(scope, "member.owner_decides").role, Right.STAFF)
    if queries.get_agency(scope).demo:
        raise Refused("demo.own_first")
    audit.record(scope, "agency.demo_removed", f"agency:{scope.tenant_id}")
    wanted = DemoRemovalRequested(scope.tenant_id, scope.tenant_id)
    outbox.put(scope, wanted, dedupe=wanted.kind)
