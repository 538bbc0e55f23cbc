"""Who looks at the dashboard: the member of a living session, asked again at each run."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar
from uuid import UUID

from foundation import settings
from foundation.database import Database, OpenScope, Scope
from foundation.errors import Unavailable
from foundation.settings import DashboardSettings
from gate import inforce
from tenants import login, reads
from tenants.challenges import Site
from tenants.reads import Member
from tenants.scope import opener

T = TypeVar("T")
POOL = 3


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
def house() -> DashboardSettings:
    """This door's settings."""
    return settings.load().dashboard


@cache
def mail_missing() -> tuple[str, ...]:
    """The settings without which no mail is written, by name; none where all are there."""
    return settings.load().mail.missing


@cache
def public_address() -> str:
    """Where the house is reached by everybody, without a slash at its end."""
    return settings.load().web.public_url.rstrip("/")


def way_in(secret: str) -> str:
    """The address of a one-time link."""
    return login.address(house().public_url, secret)


@cache
def sandbox_port() -> int:
    """Where the sandbox network is reached on this machine."""
    return settings.load().sandbox.port


def letterbox_key() -> str:
    """What typed secrets are sealed with: the doors cannot open them again."""
    return settings.load().tenants.letterbox_key


@cache
def door_key() -> str:
    """What second factors are sealed with here, and what makes digests of where people were seen."""
    return settings.load().tenants.door_key.get_secret_value()


@cache
def site() -> Site | None:
    """Where passkeys of this door belong; None where no browser gives any: an address without a name, or no TLS."""
    try:
        return Site.of(house().public_url, door_key())
    except Unavailable:
        return None


def secure() -> bool:
    """Whether the door is reached over TLS."""
    return house().public_url.startswith("https://")


def cookie_name() -> str:
    """The session's cookie: bound to this very host where TLS allows it, so that no neighbour can plant one."""
    return "__Host-greenroom" if secure() else "greenroom"


def device_name() -> str:
    """The cookie by which a browser is known again, whoever signs in; it opens nothing."""
    return f"{cookie_name()}-device"


@cache
def tenant() -> OpenScope:
    """Opens scopes with the doors' login; one pool per process, made at first use."""
    found = settings.load()
    inforce.trust(found.gate.policy_keys)
    url = found.database.pages_url.get_secret_value()
    return opener(Database(url, pool_size=POOL, application="dashboard"))


def viewer(cookie: str) -> Viewer | None:
    """The member behind a cookie; None once the session is over or the member is no more."""
    found = viewer_and(cookie, lambda *_: None)
    return found[0] if found is not None else None


def viewer_and(cookie: str, ask: Callable[[Scope, Viewer], T]) -> tuple[Viewer, T] | None:
    """The same, with what `ask` reads in the transaction in which the member is looked up."""
    found = login.current(tenant(), cookie) if cookie else None
    if found is None:
        return None
    tenant_id, member_id = found
    with tenant()(tenant_id, f"member:{member_id}") as scope:
        member = next((one for one in reads.members(scope) if one.id == member_id), None)
        if member is None:
            return None
        who = Viewer(tenant_id, member)
        return who, ask(scope, who)
