"""The people of the demo: agencies, creators, members, who speaks for whom, and how sales are
divided."""

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
"""What the manager's phone is called: it is nobody's."""

REVENUE_SPLIT = SplitShares(agency=4000, creator=6000, chatter=1000)
"""60 % to the creator, 40 % to the agency; 10 % of the agency's part to who chatted."""

MEMBER_SINCE = timedelta(days=400)
"""The division holds from before the history's first day."""


def is_seeded(scope: Scope) -> bool:
    """Whether the agency of this scope is there, and with it all that `found` writes."""
    try:
        queries.get_agency(scope)
    except NotFound:
        return False
    return True


def create_demo_agency(tenant: OpenScope, company: AgencyProfile) -> None:
    """Write an agency with its people and creators in one transaction; once."""
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
    """Where people post by hand, the manager is on duty: their phone is paired, and stays so while
    the demo is used."""
    if not any(part.manual_accounts for part in company.creators):
        return
    with tenant(company.tenant_id, DEMO_ACTOR) as scope:
        manager = first_member_with_role(scope, Role.MANAGER)
        if not any(
            phone.member_id == manager.id and phone.fresh for phone in assignees.list_phones(scope)
        ):
            assignees.pair_phone(scope, manager, name=PHONE)


def first_member_with_role(scope: Scope, role: Role) -> queries.Member:
    """The first member of a role, by name. Raises NotFound."""
    for member in queries.list_members(scope):
        if member.role is role:
            return member
    raise NotFound("demo.nobody", role=str(role))


def creator_id_of(scope: Scope, part: CreatorProfile) -> UUID:
    """The creator's id. Raises NotFound."""
    return queries.get_creator(scope, part.slug).id
