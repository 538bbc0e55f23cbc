"""The domain of an agency for its short links.

The agency points the domain to this installation. The web process serves short links there and
nothing else; whether a domain belongs to the agency does not matter, because a short link is found
by its slug alone.
"""

import re
from collections.abc import Callable
from datetime import timedelta

from channels.links import short_links
from channels.links.models import LinkDomainRow
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput
from foundation.http.host_guard import host_name
from foundation.ids import INSTALLATION_ID
from foundation.ops.clock import monotonic

MAX_HOST_LENGTH = 253
HOSTS_READ_EVERY = timedelta(seconds=30)
"""Time after which a new domain is served at the latest."""

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def set_link_domain(scope: Scope, host: str, *, public_url: str) -> None:
    """Set the host name of the agency's short links; "" removes it. Links that were shared under
    the address of the installation continue to work, those under a removed domain do not.

    Raises BadInput for an invalid host name and for that of the installation.
    """
    wanted = host.strip().lower().removeprefix("https://").rstrip("/.")
    if wanted and (len(wanted) > MAX_HOST_LENGTH or not _HOST.fullmatch(wanted)):
        raise BadInput("link_domain.invalid").about("host")
    if wanted and wanted == host_name(public_url):
        raise BadInput("link_domain.own").about("host")
    if wanted == find_link_domain(scope):
        return
    scope.run("DELETE FROM link_domains WHERE tenant_id = :tenant", tenant=scope.tenant_id)
    if wanted:
        scope.add(LinkDomainRow(tenant_id=scope.tenant_id, host=wanted))


def find_link_domain(scope: Scope) -> str:
    """Return the host name of the agency's short links, or ""."""
    found = scope.run(
        "SELECT host FROM link_domains WHERE tenant_id = :tenant ORDER BY id LIMIT 1",
        tenant=scope.tenant_id,
    ).scalar()
    return str(found or "")


def link_base(scope: Scope, public_url: str) -> str:
    """Return the base address of the agency's short links: its domain, or the installation."""
    host = find_link_domain(scope)
    return f"https://{host}" if host else public_url.rstrip("/")


def serve_link_hosts(tenant: OpenScope) -> Callable[[str, str], bool]:
    """Return a function that decides whether a request for (host, path) is a short link on the
    domain of an agency. It reads the domains at most every `HOSTS_READ_EVERY`."""
    known: frozenset[str] = frozenset()
    read_at: float | None = None

    def is_link(host: str, path: str) -> bool:
        nonlocal known, read_at
        if not path.startswith(short_links.LINK_PATH) or not _HOST.fullmatch(host):
            return False
        now = monotonic()
        if read_at is None or now - read_at >= HOSTS_READ_EVERY.total_seconds():
            with tenant(INSTALLATION_ID, short_links.LINK_ACTOR, role="door") as scope:
                known = frozenset(scope.run("SELECT host FROM link_domains").scalars())
            read_at = now
        return host in known

    return is_link
