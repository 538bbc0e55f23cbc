"""Lookup of members, creators and dates by the arguments of a command."""

from datetime import date
from pathlib import Path
from uuid import UUID

from foundation.errors import BadInput, NotFound
from foundation.ops.settings import Settings
from tenants.agencies import queries
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import Role
from tenants.scope import list_tenant_ids
from workers.wiring import Services

TERMINAL_ACTOR = "system:terminal"
"""Actor of a command that no member runs, in the audit log."""


def find_member(services: Services, email: str) -> tuple[UUID, Member]:
    """Return the tenant and the member with this email address; for an empty address, the owner.

    Raises NotFound, and BadInput if several members match.
    """
    found = _list_members(services, email)
    if not found:
        raise NotFound("member.unknown")
    if len(found) > 1:
        raise BadInput(
            "invite.which", emails=", ".join(sorted(member.email for _, member in found))
        )
    return found[0]


def _list_members(services: Services, email: str) -> list[tuple[UUID, Member]]:
    """Return the members with this email address in any agency; for an empty one, every owner."""
    found = []
    for tenant_id in list_tenant_ids(services.tenant):
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            for member in queries.list_members(scope):
                if (
                    member.email.casefold() == email.casefold()
                    if email
                    else member.role is Role.OWNER
                ):
                    found.append((tenant_id, member))
    return found


def find_creator(services: Services, name: str, agency: str = "") -> tuple[UUID, Creator]:
    """Return the tenant and the creator of a name or short name. Raises NotFound, and BadInput if
    several agencies have a creator of that name."""
    found = []
    for tenant_id in list_tenant_ids(services.tenant):
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            if agency and queries.get_agency(scope).name.casefold() != agency.casefold():
                continue
            try:
                found.append((tenant_id, queries.get_creator(scope, name)))
            except NotFound:
                continue
    if not found:
        raise NotFound("creator.unknown", creator=name)
    if len(found) > 1:
        raise BadInput("day.which_agency", creator=name)
    return found[0]


def parse_day_argument(text: str) -> date | None:
    """Return the date of an ISO text, or None for an empty text. Raises BadInput."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput("day.date_unreadable", day=text[:40]) from error


def create_reports_folder(settings: Settings, tenant_id: UUID, creator: Creator) -> Path:
    """Return the folder of a creator's reports, and create it if it is missing.

    Only the operating system account of the installation can open it and the folders above it.
    """
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = settings.home
    for name in ("reports", str(tenant_id), creator.slug):
        folder = folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)  # earlier releases created folders that every account could open
    return folder
