"""`greenroom invite`: sign-in links for members."""

from tenants.auth import sessions
from workers.terminal.lookup import TERMINAL_ACTOR, find_member
from workers.terminal.session import connect_installation


def create_invitation_link(email: str) -> str:
    """Return a one-time sign-in link to the dashboard for a member; without an email address, for
    the owner.

    Raises NotFound for an unknown address, BadInput with the owners' addresses if there are several
    owners.
    """
    with connect_installation("invite") as services:
        tenant_id, member = find_member(services, email)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            return sessions.sign_in_url(
                services.settings.dashboard.public_url,
                sessions.create_sign_in_link(scope, member.id),
            )
