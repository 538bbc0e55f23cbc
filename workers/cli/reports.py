"""What a person asks of the house at the terminal beside the day: a report, a link."""

from pathlib import Path
from uuid import UUID

from foundation.errors import BadInput, NotFound
from foundation.ops import settings
from foundation.ops.wall_time import local_day
from insights.reports import daily_report
from insights.rollups import daily_rollups
from tenants.agencies import queries as tenant_reads
from tenants.agencies.queries import Member
from tenants.agencies.rights import Role
from tenants.auth import sessions
from tenants.scope import list_tenant_ids
from workers.creator_day.runner import find_creator, parse_day_argument, reports_folder
from workers.terminal.session import connect_installation
from workers.wiring import Services

TERMINAL_ACTOR = "system:terminal"


def export_daily_report(creator: str, *, day: str, agency: str) -> tuple[str, Path]:
    """The report of a creator's day as it stands now: its Markdown, and the page that was written.

    `day` is ISO, empty for today in the creator's zone. Raises NotFound for a creator nobody knows, BadInput for a day
    nobody can read.
    """
    asked = parse_day_argument(day)
    with connect_installation("report") as services:
        tenant_id, found = find_creator(services, creator, agency)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            asked = asked or local_day(scope.now, found.zone)
            daily_rollups.rebuild_day(scope, found.id, asked)
            whole = daily_report.load_daily_report(scope, found.id, asked)
    folder = reports_folder(services.settings, tenant_id, found)
    return daily_report.render_daily_markdown(whole, settings.terminal_language()), daily_report.write_daily_report(
        whole, folder, settings.terminal_language()
    )


def create_invitation_link(email: str) -> str:
    """A one-time link to the dashboard for a member; without an e-mail, for the one owner of the house.

    Raises NotFound for an e-mail nobody has, BadInput that names the owners when there are several.
    """
    with connect_installation("invite") as services:
        tenant_id, member = find_member(services, email)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            return sessions.sign_in_url(
                services.settings.dashboard.public_url, sessions.create_sign_in_link(scope, member.id)
            )


def find_member(services: Services, email: str) -> tuple[UUID, Member]:
    """Who has this e-mail; without one, the one owner of the house. Raises NotFound, BadInput."""
    found = _list_members(services, email)
    if not found:
        raise NotFound("member.unknown")
    if len(found) > 1:
        raise BadInput("invite.which", emails=", ".join(sorted(member.email for _, member in found)))
    return found[0]


def _list_members(services: Services, email: str) -> list[tuple[UUID, Member]]:
    """The members with this e-mail, in whatever agency; without one, every owner."""
    found = []
    for tenant_id in list_tenant_ids(services.tenant):
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            for member in tenant_reads.list_members(scope):
                if member.email.casefold() == email.casefold() if email else member.role is Role.OWNER:
                    found.append((tenant_id, member))
    return found
