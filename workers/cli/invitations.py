"""Invitation links that `greenroom invite` prints for a member."""

from tenants.auth import sessions
from workers.terminal.lookup import TERMINAL_ACTOR, find_member
from workers.terminal.session import connect_installation


def create_invitation_link(email: str) -> str:
    """A one-time link to the dashboard for a member; without an e-mail, for the one owner of the
    house.

    Raises NotFound for an e-mail nobody has, BadInput that names the owners when there are
    several.
    """
    with connect_installation("invite") as services:
        tenant_id, member = find_member(services, email)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            return sessions.sign_in_url(
                services.settings.dashboard.public_url,
                sessions.create_sign_in_link(scope, member.id),
            )
