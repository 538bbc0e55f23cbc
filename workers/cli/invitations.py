"""`greenroom invite`: sign-in links for members, and links for new owners."""

from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from tenants.agencies import queries
from tenants.agencies.names import normalize_email
from tenants.agencies.rights import Role
from tenants.auth import members, owner_setup, sessions
from tenants.scope import list_tenant_ids
from workers.terminal.lookup import TERMINAL_ACTOR, find_member
from workers.terminal.session import connect_installation
from workers.wiring import Services


def invite_member(email: str) -> str:
    """Return the link of `create_invitation_link` on the installation that runs here."""
    with connect_installation("invite") as services:
        return create_invitation_link(services, email)


def invite_owner(email: str, agency: str = "") -> str:
    """Return the link of `create_owner_link` on the installation that runs here."""
    with connect_installation("invite") as services:
        return create_owner_link(services, email, agency)


def create_invitation_link(services: Services, email: str) -> str:
    """Return a one-time sign-in link to the dashboard for a member; without an email address, for
    the owner, or a setup link if no agency has one.

    Raises NotFound for an unknown address, BadInput with the owners' addresses if there are several
    owners.
    """
    try:
        tenant_id, member = find_member(services, email)
    except NotFound:
        if email:
            raise
        return _create_setup_link(services, email)
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        return sessions.sign_in_url(
            services.settings.dashboard.public_url,
            sessions.create_sign_in_link(scope, member.id),
        )


def create_owner_link(services: Services, email: str, agency: str = "") -> str:
    """Return a one-time link for an owner: a setup link if no agency has an owner; else the
    invitation of a new owner, or a sign-in link of the owner who has this address.

    Raises BadInput for an invalid address, the address of a member with another role, and several
    agencies if `agency` names none; and NotFound for an unknown agency.
    """
    if not owner_setup.has_owner(services.tenant):
        return _create_setup_link(services, email)
    email = normalize_email(email)
    with services.tenant(_find_agency(services, agency), TERMINAL_ACTOR) as scope:
        known = [
            one for one in queries.list_members(scope) if one.email.casefold() == email.casefold()
        ]
        if any(one.role is not Role.OWNER for one in known):
            raise BadInput("invite.other_role", email=email)
        secret = (
            sessions.create_sign_in_link(scope, known[0].id)
            if known
            else _invite_owner(scope, email)
        )
    return sessions.sign_in_url(services.settings.dashboard.public_url, secret)


def _invite_owner(scope: Scope, email: str) -> str:
    found = queries.get_agency(scope)
    return members.invite_member(
        scope,
        name=email.partition("@")[0],
        email=email,
        role=Role.OWNER,
        language=found.language,
        zone=found.zone,
    )


def _create_setup_link(services: Services, email: str) -> str:
    secret = owner_setup.create_setup_link(services.tenant, email)
    return owner_setup.setup_url(services.settings.dashboard.public_url, secret)


def _find_agency(services: Services, name: str) -> UUID:
    """Return the tenant of the agency with this name, or of the only agency besides the
    demonstration. Raises NotFound, and BadInput with the names if there are several."""
    found: dict[UUID, str] = {}
    for tenant_id in list_tenant_ids(services.tenant):
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            agency = queries.get_agency(scope)
        if agency.name.casefold() == name.casefold() if name else not agency.demo:
            found[tenant_id] = agency.name
    if not found:
        raise NotFound("agency.unknown")
    if len(found) > 1:
        raise BadInput("invite.which_agency", names=", ".join(sorted(found.values())))
    return next(iter(found))
