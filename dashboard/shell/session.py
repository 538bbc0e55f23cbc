"""The viewer of the dashboard: the member of an active session, loaded again in each run."""

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
"""ASGI scope key under which routes find the viewer whose session was checked."""

T = TypeVar("T")
POOL_SIZE = 3


@dataclass(frozen=True)
class Viewer:
    """A signed-in member. It is derived from the session row only, never from the URL."""

    tenant_id: UUID
    member: Member

    @property
    def actor(self) -> str:
        """The actor name for changes by this member."""
        return f"member:{self.member.id}"


@cache
def dashboard_settings() -> DashboardSettings:
    """Return the dashboard settings."""
    return settings.load_settings().dashboard


@cache
def missing_mail_settings() -> tuple[str, ...]:
    """Return the names of missing settings for email, or an empty tuple if email can be sent."""
    return settings.load_settings().mail.missing_settings


@cache
def public_url() -> str:
    """Return the public URL of the installation, without a trailing slash."""
    return settings.load_settings().web.public_url.rstrip("/")


def sign_in_page_url(secret: str) -> str:
    """Return the URL of a sign-in link."""
    return sessions.sign_in_url(dashboard_settings().public_url, secret)


@cache
def sandbox_port() -> int:
    """Return the local port of the sandbox network."""
    return settings.load_settings().sandbox.port


def sealed_intake_key() -> str:
    """Return the public key that seals typed secrets. Web processes cannot open them."""
    return settings.load_settings().tenants.letterbox_key


@cache
def second_factor_key() -> str:
    """Return the key that seals second factors and keys the digests of devices and addresses."""
    return settings.load_settings().tenants.door_key.get_secret_value()


@cache
def passkey_site() -> RelyingParty | None:
    """Return the relying party of passkeys, or None if browsers do not support passkeys at this
    address (no host name, or no TLS)."""
    try:
        return RelyingParty.from_url(dashboard_settings().public_url, second_factor_key())
    except Unavailable:
        return None


def is_tls() -> bool:
    """Return True if the dashboard is served over TLS."""
    return dashboard_settings().public_url.startswith("https://")


def session_cookie_name() -> str:
    """Return the name of the session cookie. Over TLS it has the `__Host-` prefix, so that other
    hosts of the domain cannot set it."""
    return sessions.SESSION_COOKIES[0 if is_tls() else 1]


def device_cookie_name() -> str:
    """Return the name of the cookie that identifies a browser across members. It grants no
    access."""
    return f"{session_cookie_name()}{sessions.DEVICE_SUFFIX}"


@cache
def session_scope_opener() -> OpenScope:
    """Return the function that opens scopes with the database role of web processes. Each process
    has one connection pool, created on first use."""
    found = settings.load_settings()
    active_policy.set_trusted_keys(found.gate.policy_keys)
    urls.set_own_hosts((urlsplit(found.web.public_url).netloc,))
    url = found.database.pages_url.get_secret_value()
    return scope_opener(Database(url, pool_size=POOL_SIZE, application="dashboard"))


def find_viewer(cookie: str) -> Viewer | None:
    """Return the member of a session cookie, or None if the session has ended or the member was
    removed."""
    found = find_viewer_with(cookie, lambda *_: None)
    return found[0] if found is not None else None


def find_viewer_with(cookie: str, ask: Callable[[Scope, Viewer], T]) -> tuple[Viewer, T] | None:
    """Return the member of a session cookie and the result of `ask`, read in the same
    transaction."""
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
