"""Members and creators of the demo agencies, their personas and the revenue split."""

from datetime import timedelta
from uuid import UUID

from channels.manual_tasks import assignees
from demo.agency.cast import AgencyProfile, CreatorProfile
from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from subscribers.ledger import entries
from subscribers.ledger.entries import SplitShares
from subscribers.replies import persona
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role

DEMO_ACTOR = "system:demo"
PHONE = "Démonstration"
"""Name of the manager's paired phone, which does not exist."""

REVENUE_SPLIT = SplitShares(agency=4000, creator=6000, chatter=1000)
"""60 % to the creator, 40 % to the agency; 10 % of the agency's share to the chatter."""

MEMBER_SINCE = timedelta(days=400)
"""Time since the split became valid: before the first day of the history."""


def is_seeded(scope: Scope) -> bool:
    """Return True if the agency of this scope exists, with everything that `create_demo_agency`
    writes."""
    try:
        queries.get_agency(scope)
    except NotFound:
        return False
    return True


def create_demo_agency(tenant: OpenScope, company: AgencyProfile) -> None:
    """Create an agency with its members and creators in one transaction, once."""
    with tenant(company.tenant_id, DEMO_ACTOR) as scope:
        scope.lock(f"demo:{company.key}")
        if is_seeded(scope):
            return
        agencies.create_agency(
            scope, name=company.name, language=company.language, zone=company.zone, demo=True
        )
        for member in company.members:
            agencies.add_member(
                scope,
                name=member.name,
                email=member.email,
                role=member.role,
                language=company.language,
                zone=company.zone,
            )
        for part in company.creators:
            _add_creator(scope, company, part)


def _add_creator(scope: Scope, company: AgencyProfile, part: CreatorProfile) -> None:
    creator_id = agencies.add_creator(
        scope,
        slug=part.slug,
        name=part.name,
        kind=part.kind,
        zone=company.zone,
        languages=part.languages,
        rating_ceiling=str(part.ceiling),
        approval_tiers=part.approval_tiers,
    )
    persona.activate_persona(scope, persona.create_persona_version(scope, creator_id, part.persona))
    entries.set_revenue_split(
        scope, creator_id, REVENUE_SPLIT, effective_from=scope.now - MEMBER_SINCE
    )


def pair_manager_phone(tenant: OpenScope, company: AgencyProfile) -> None:
    """Pair the manager's phone in an agency with manual accounts, and pair it again when the
    pairing has expired."""
    if not any(part.manual_accounts for part in company.creators):
        return
    with tenant(company.tenant_id, DEMO_ACTOR) as scope:
        manager = first_member_with_role(scope, Role.MANAGER)
        if not any(
            phone.member_id == manager.id and phone.fresh for phone in assignees.list_phones(scope)
        ):
            assignees.pair_phone(scope, manager, name=PHONE)


def first_member_with_role(scope: Scope, role: Role) -> queries.Member:
    """Return the first member with a role, by name. Raises NotFound."""
    for member in queries.list_members(scope):
        if member.role is role:
            return member
    raise NotFound("demo.nobody", role=str(role))


def creator_id_of(scope: Scope, part: CreatorProfile) -> UUID:
    """Return the creator's ID. Raises NotFound."""
    return queries.get_creator(scope, part.slug).id
