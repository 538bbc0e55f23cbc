"""What a person asks of the house at the terminal beside the day: a report, a link."""

from pathlib import Path
from uuid import UUID

from foundation import settings
from foundation.errors import BadInput, NotFound
from insights import reports, rollups
from schedules.calendar import local_day
from tenants import login
from tenants import reads as tenant_reads
from tenants.reads import Member
from tenants.roles import Role
from tenants.scope import all_tenants
from workers.day import date_of, find, reports_folder
from workers.visiting import at_home
from workers.wiring import Services

ASKING = "system:terminal"


def report(creator: str, *, day: str, agency: str) -> tuple[str, Path]:
    """The report of a creator's day as it stands now: its Markdown, and the page that was written.

    `day` is ISO, empty for today in the creator's zone. Raises NotFound for a creator nobody knows, BadInput for a day
    nobody can read.
    """
    asked = date_of(day)
    with at_home("report") as services:
        tenant_id, found = find(services, creator, agency)
        with services.tenant(tenant_id, ASKING) as scope:
            asked = asked or local_day(scope.now, found.zone)
            rollups.refresh(scope, found.id, asked)
            whole = reports.daily(scope, found.id, asked)
    folder = reports_folder(services.settings, tenant_id, found)
    return reports.markdown(whole, settings.language()), reports.write(whole, folder, settings.language())


def invite(email: str) -> str:
    """A one-time link to the dashboard for a member; without an e-mail, for the one owner of the house.

    Raises NotFound for an e-mail nobody has, BadInput that names the owners when there are several.
    """
    with at_home("invite") as services:
        tenant_id, member = found_member(services, email)
        with services.tenant(tenant_id, ASKING) as scope:
            return login.address(services.settings.dashboard.public_url, login.invite(scope, member.id))


def found_member(services: Services, email: str) -> tuple[UUID, Member]:
    """Who has this e-mail; without one, the one owner of the house. Raises NotFound, BadInput."""
    found = _members(services, email)
    if not found:
        raise NotFound("member.unknown")
    if len(found) > 1:
        raise BadInput("invite.which", emails=", ".join(sorted(member.email for _, member in found)))
    return found[0]


def _members(services: Services, email: str) -> list[tuple[UUID, Member]]:
    """The members with this e-mail, in whatever agency; without one, every owner."""
    found = []
    for tenant_id in all_tenants(services.tenant):
        with services.tenant(tenant_id, ASKING) as scope:
            for member in tenant_reads.members(scope):
                if member.email.casefold() == email.casefold() if email else member.role is Role.OWNER:
                    found.append((tenant_id, member))
    return found
