"""The people of the demo: agencies, creators, members, who speaks for whom, and how sales are divided."""

from datetime import timedelta
from uuid import UUID

from channels import phones
from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from subscribers import ledger, persona
from subscribers.ledger import SplitShares
from tenants import agencies
from tenants import reads as tenant_reads
from tenants.roles import Role
from workers.demo_parts import Company, Part

SEEDING = "system:demo"
PHONE = "Démonstration"
"""What the manager's phone is called: it is nobody's."""

SHARES = SplitShares(agency=4000, creator=6000, chatter=1000)
"""60 % to the creator, 40 % to the agency; 10 % of the agency's part to who chatted."""

EARLIER = timedelta(days=400)
"""The division holds from before the history's first day."""


def is_founded(scope: Scope) -> bool:
    """Whether the agency of this scope is there, and with it all that `found` writes."""
    try:
        tenant_reads.agency(scope)
    except NotFound:
        return False
    return True


def found(tenant: OpenScope, company: Company) -> None:
    """Write an agency with its people and creators in one transaction; once."""
    with tenant(company.tenant_id, SEEDING) as scope:
        scope.hold(f"demo:{company.key}")
        if is_founded(scope):
            return
        agencies.found(scope, name=company.name, language=company.language, zone=company.zone, demo=True)
        for member in company.members:
            agencies.add_member(
                scope,
                name=member.name,
                email=member.email,
                role=member.role,
                language=company.language,
                zone=company.zone,
            )
        for part in company.parts:
            _add_creator(scope, company, part)


def _add_creator(scope: Scope, company: Company, part: Part) -> None:
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
    persona.activate(scope, persona.write(scope, creator_id, part.persona))
    ledger.set_split(scope, creator_id, SHARES, effective_from=scope.now - EARLIER)


def on_duty(tenant: OpenScope, company: Company) -> None:
    """Where people post by hand, the manager is on duty: their phone is paired, and stays so while the demo is used."""
    if not any(part.by_hand for part in company.parts):
        return
    with tenant(company.tenant_id, SEEDING) as scope:
        manager = member_with(scope, Role.MANAGER)
        if not any(phone.member_id == manager.id and phone.fresh for phone in phones.phones(scope)):
            phones.pair(scope, manager, name=PHONE)


def member_with(scope: Scope, role: Role) -> tenant_reads.Member:
    """The first member of a role, by name. Raises NotFound."""
    for member in tenant_reads.members(scope):
        if member.role is role:
            return member
    raise NotFound("demo.nobody", role=str(role))


def creator_id_of(scope: Scope, part: Part) -> UUID:
    """The creator's id. Raises NotFound."""
    return tenant_reads.creator(scope, part.slug).id
