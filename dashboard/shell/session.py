"""Who looks at the dashboard: the member of a living session, asked again at each run."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from foundation.db.database import Database, OpenScope, Scope
from foundation.errors import Unavailable
from foundation.ops import settings
from foundation.ops.settings import DashboardSettings
from gate.policy import active_policy
from gate.text import urls
from tenants.agencies import queries
from tenants.agencies.queries import Member
from tenants.auth import sessions
from tenants.auth.challenges import RelyingParty
from tenants.scope import scope_opener

VIEWER_SCOPE_KEY = "greenroom.viewer"
"""Where our own routes find who asks, as the session said a moment ago."""

T = TypeVar("T")
POOL_SIZE = 3


@dataclass(frozen=True)
class Viewer:
    """A signed-in member; comes from the session's row alone, never from an address."""

    tenant_id: UUID
    member: Member

    @property
    def actor(self) -> str:
        """How this member signs what they do."""
        return f"member:{self.member.id}"


@cache
def dashboard_settings() -> DashboardSettings:
    """This door's settings."""
    return settings.load_settings().dashboard


@cache
def missing_mail_settings() -> tuple[str, ...]:
    """The settings without which no mail is written, by name; none where all are there."""
    return settings.load_settings().mail.missing_settings


@cache
def public_url() -> str:
    """Where the house is reached by everybody, without a slash at its end."""
    return settings.load_settings().web.public_url.rstrip("/")


def sign_in_page_url(secret: str) -> str:
    """The address of a one-time link."""
    return sessions.sign_in_url(dashboard_settings().public_url, secret)


@cache
def sandbox_port() -> int:
    """Where the sandbox network is reached on this machine."""
    return settings.load_settings().sandbox.port


def sealed_intake_key() -> str:
    """What typed secrets are sealed with: the doors cannot open them again."""
    return settings.load_settings().tenants.letterbox_key


@cache
def second_factor_key() -> str:
    """What second factors are sealed with here, and what makes digests of where people were
    seen."""
    return settings.load_settings().tenants.door_key.get_secret_value()


@cache
def passkey_site() -> RelyingParty | None:
    """Where passkeys of this door belong; None where no browser gives any: an address without a
    name, or no TLS."""
    try:
        return RelyingParty.from_url(dashboard_settings().public_url, second_factor_key())
    except Unavailable:
        return None


def is_tls() -> bool:
    """Whether the door is reached over TLS."""
    return dashboard_settings().public_url.startswith("https://")


def session_cookie_name() -> str:
    """The session's cookie: bound to this very host where TLS allows it, so that no neighbour can
    plant one."""
    return sessions.SESSION_COOKIES[0 if is_tls() else 1]


def device_cookie_name() -> str:
    """The cookie by which a browser is known again, whoever signs in; it opens nothing."""
    return f"{session_cookie_name()}{sessions.DEVICE_SUFFIX}"


@cache
def session_scope_opener() -> OpenScope:
    """Opens scopes with the doors' login; one pool per process, made at first use."""
    found = settings.load_settings()
    active_policy.set_trusted_keys(found.gate.policy_keys)
    urls.set_own_hosts((urlsplit(found.web.public_url).netloc,))
    url = found.database.pages_url.get_secret_value()
    return scope_opener(Database(url, pool_size=POOL_SIZE, application="dashboard"))


def find_viewer(cookie: str) -> Viewer | None:
    """The member behind a cookie; None once the session is over or the member is no more."""
    found = find_viewer_with(cookie, lambda *_: None)
    return found[0] if found is not None else None


def find_viewer_with(cookie: str, ask: Callable[[Scope, Viewer], T]) -> tuple[Viewer, T] | None:
    """The same, with what `ask` reads in the transaction in which the member is looked up."""
    found = sessions.find_session(session_scope_opener(), cookie) if cookie else None
    if found is None:
        return None
    tenant_id, member_id = found
    with session_scope_opener()(tenant_id, f"member:{member_id}") as scope:
        member = next((one for one in queries.list_members(scope) if one.id == member_id), None)
        if member is None:
            return None
        who = Viewer(tenant_id, member)
        return who, ask(scope, who)
