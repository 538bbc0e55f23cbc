"""Set-up of the first owner of an installation, by a single-use link.

The operator gets the link on the terminal. It works until an agency has an owner;
agencies of the demonstration do not count.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import INSTALLATION_ID, uuid7
from tenants import audit
from tenants.agencies import agencies, queries
from tenants.agencies.names import normalize_email, normalize_name
from tenants.agencies.rights import Role
from tenants.auth import passwords, sessions
from tenants.auth.models import SetupLink

SETUP_LINK_LIFETIME = timedelta(hours=24)
SETUP_ACTOR = "system:setup"
PROVISIONAL_ZONE = "UTC"
"""Time zone of the agency and its owner until the wizard asks for it."""


@dataclass(frozen=True)
class OpenSetup:
    """A setup link that has not expired: the tenant of the agency, and the address of the invited
    owner or ""."""

    agency_id: UUID
    email: str


@dataclass(frozen=True)
class NewOwner:
    """The answers of the first owner. `language` is the language of the page."""

    name: str
    email: str
    password: str
    language: str


def setup_url(public_url: str, secret: str) -> str:
    """Return the address of a setup link on the dashboard at `public_url`."""
    return f"{public_url.rstrip('/')}/auth/setup/{secret}"


def has_owner(tenant: OpenScope) -> bool:
    """Return True if an agency other than the demonstration has an owner."""
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        return _has_owner(scope)


_OWNED = """
SELECT EXISTS (SELECT FROM members m JOIN agencies a ON a.tenant_id = m.tenant_id
  WHERE NOT a.demo AND m.active AND m.role = 'owner')
"""
_OWNERLESS = """
SELECT tenant_id FROM agencies WHERE NOT demo ORDER BY tenant_id LIMIT 1
"""
"""While no agency has an owner: an agency that a command created, which the first owner gets."""


def _has_owner(scope: Scope) -> bool:
    return bool(scope.run(_OWNED).scalar_one())


def create_setup_link(tenant: OpenScope, email: str = "") -> str:
    """Create a single-use setup link, valid for 24 hours, and return its secret. It replaces an
    earlier link for the same address; the secret itself is not stored.

    Raises BadInput for an invalid address, and Conflict if an agency has an owner.
    """
    email = normalize_email(email) if email else ""
    secret = secrets.token_urlsafe(32)
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        scope.lock("setup")
        if _has_owner(scope):
            raise Conflict("setup.has_owner")
        now = scope.run("SELECT people_now()").scalar_one()
        known = scope.run("SELECT agency_id FROM setup_links ORDER BY id LIMIT 1").scalar()
        scope.run(
            "DELETE FROM setup_links WHERE tenant_id = :house"
            " AND (email = :email OR expires_at < people_now())",
            house=INSTALLATION_ID,
            email=email,
        )
        link = SetupLink(
            tenant_id=INSTALLATION_ID,
            digest=sessions.secret_digest(secret),
            email=email,
            agency_id=known or uuid7(),
            expires_at=now + SETUP_LINK_LIFETIME,
        )
        scope.add(link)
    return secret


def find_setup(tenant: OpenScope, secret: str) -> OpenSetup:
    """Return the setup of a link; the link remains valid. Raises Refused if it is unknown or
    expired, or if an agency has an owner."""
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        row = scope.run(
            "SELECT agency_id, email FROM setup_links WHERE tenant_id = :house"
            " AND digest = :digest AND expires_at > people_now()",
            house=INSTALLATION_ID,
            digest=sessions.secret_digest(secret),
        ).first()
        if row is None or _has_owner(scope):
            raise Refused("setup.link_spent")
        agency_id = scope.run(_OWNERLESS).scalar() or row.agency_id
    return OpenSetup(agency_id, row.email)


def set_up_owner(tenant: OpenScope, secret: str, answers: NewOwner, *, browser: str = "") -> str:
    """Create the first owner, and the agency if it does not exist, and return the secret of a new
    session.

    Raises Refused for a spent link, and BadInput for an invalid name or address or a weak password;
    the link then remains valid.
    """
    found = find_setup(tenant, secret)
    name = normalize_name(answers.name)
    email = found.email or normalize_email(answers.email)
    weak = passwords.password_weakness(answers.password, email=email)
    if weak:
        raise BadInput(weak, least=passwords.MIN_PASSWORD_LENGTH)
    with tenant(found.agency_id, SETUP_ACTOR) as scope:
        # All links of an installation lead to the same tenant, so that of two owners who submit the
        # form at the same time only one is created.
        scope.lock(f"founding:{found.agency_id}")
        if any(one.role is Role.OWNER for one in queries.list_members(scope)):
            raise Refused("setup.link_spent")
        zone = _create_missing_agency(scope, name, answers.language)
        member_id = agencies.add_member(
            scope, name=name, email=email, role=Role.OWNER, language=answers.language, zone=zone
        )
        audit.record(scope, "agency.owner_set_up", f"member:{member_id}")
        passwords.set_password(scope, member_id, answers.password, email=email)
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        scope.run("DELETE FROM setup_links WHERE tenant_id = :house", house=INSTALLATION_ID)
        return sessions.open_session(scope, found.agency_id, member_id, browser=browser)


def _create_missing_agency(scope: Scope, name: str, language: str) -> str:
    """Create the agency if it is missing, under a provisional name. Return its time zone."""
    try:
        return queries.get_agency(scope).zone
    except NotFound:
        agencies.create_agency(
            scope, name=name, language=language, zone=PROVISIONAL_ZONE, named=False
        )
        return PROVISIONAL_ZONE
