"""Keyed digests of the devices and networks of members. A guest who uses a member's device or
network counts as that member.

Addresses and user agents are not stored. A digest, keyed by the web process and the tenant, reveals
only if two principals were seen at the same device or network.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from foundation.db.database import Scope
from foundation.http.address_policy import embedded_ipv4, network_of_address
from foundation.ids import uuid7
from tenants.agencies import queries
from tenants.agencies.rights import OUTSIDE_ROLES
from tenants.auth import second_factor

FINGERPRINT_WINDOW = timedelta(days=90)
"""Time during which a fingerprint counts."""

_SEE = """
INSERT INTO sightings (tenant_id, id, principal_id, guest, digest, seen_on)
VALUES (:tenant, :id, :principal, :guest, :digest, CAST(people_now() AS date)) ON CONFLICT DO
NOTHING
"""

_SEEN = """
SELECT EXISTS (SELECT FROM sightings s JOIN members m ON m.tenant_id = s.tenant_id
  AND m.principal_id = s.principal_id
WHERE s.tenant_id = :tenant AND m.id = :member AND s.digest = ANY(:digests)
  AND s.seen_on > CAST(people_now() - CAST(:window AS interval) AS date))
"""

_MET = """
FROM sightings mine JOIN sightings other
  ON other.tenant_id = mine.tenant_id AND other.digest = mine.digest AND other.principal_id <>
  mine.principal_id
WHERE mine.tenant_id = :tenant AND (mine.guest OR other.guest)
  AND mine.seen_on > CAST(people_now() - CAST(:window AS interval) AS date)
  AND other.seen_on > CAST(people_now() - CAST(:window AS interval) AS date)
"""
_SAME = f"""
SELECT DISTINCT mine.principal_id AS one, other.principal_id AS other {_MET}
  AND (CAST(:principal AS uuid) IS NULL OR mine.principal_id = :principal)
"""
SAME_HUMAN_SQL = (
    f"ARRAY(SELECT DISTINCT other.principal_id {_MET} AND mine.principal_id = m.principal_id)"
)
"""Principals that count as `m`, a row of `members`; `:window` is `FINGERPRINT_WINDOW`."""


def record_device(
    scope: Scope, key: str, member: queries.Member, *, address: str, device: str
) -> None:
    """Record the network and the browser of a member. `key` is the key of the web process, `device`
    the value of the device cookie.

    Without a key, this function does nothing and guests cannot sign in.
    """
    if not key:
        return
    for place in _places(address, device):
        _record_fingerprint(scope, key, member, place)


def was_seen(scope: Scope, key: str, member_id: UUID, *, address: str, device: str) -> bool:
    """Return True if the member was seen at this address or with this browser within the window.
    Always False without a key."""
    digests = [_fingerprint(scope, key, place) for place in _places(address, device)]
    return bool(key and digests) and bool(
        scope.run(
            _SEEN,
            tenant=scope.tenant_id,
            member=member_id,
            digests=digests,
            window=FINGERPRINT_WINDOW,
        ).scalar_one()
    )


def _places(address: str, device: str) -> list[str]:
    places = [f"address {network_of_address(address)}"] if address else []
    return places + ([f"device {device}"] if device else [])


def record_passkey(scope: Scope, key: str, member: queries.Member, credential: str) -> None:
    """Record that a member has a passkey, by the authenticator's ID. Another member with the same
    passkey counts as the same human."""
    if key:
        _record_fingerprint(scope, key, member, f"passkey {credential}")


def _record_fingerprint(scope: Scope, key: str, member: queries.Member, place: str) -> None:
    scope.run(
        _SEE,
        tenant=scope.tenant_id,
        id=uuid7(),
        principal=member.principal_id,
        guest=member.role in OUTSIDE_ROLES,
        digest=_fingerprint(scope, key, place),
    )


def _fingerprint(scope: Scope, key: str, place: str) -> str:
    own = second_factor.derive_key(key, b"greenroom sightings")
    return hmac.new(own, scope.tenant_id.bytes + place.encode(), hashlib.sha256).hexdigest()


def same_humans(scope: Scope, principal: UUID | None = None) -> Mapping[UUID, frozenset[UUID]]:
    """Return the principals that count as the same human, by principal: guests and the members seen
    at the same device or network. Members never count as each other.

    With `principal`, only its entry is returned.
    """
    found: dict[UUID, set[UUID]] = {}
    for row in scope.run(
        _SAME, tenant=scope.tenant_id, window=FINGERPRINT_WINDOW, principal=principal
    ):
        found.setdefault(row.one, set()).add(row.other)
    return {one: frozenset(others) for one, others in found.items()}


_MEMBERS_SEEN = """
SELECT DISTINCT principal_id FROM sightings WHERE tenant_id = :tenant AND NOT guest
  AND digest = ANY(:digests)
  AND seen_on > CAST(people_now() - CAST(:window AS interval) AS date)
UNION SELECT m.principal_id FROM login_sessions s
JOIN members m ON m.tenant_id = s.tenant_id AND m.id = s.member_id
WHERE s.tenant_id = :tenant AND s.digest = ANY(:sessions) AND m.role NOT IN ('guest', 'custodian')
"""


def members_seen_at(
    scope: Scope, key: str, *, address: str, devices: Collection[str], secrets: Collection[str]
) -> frozenset[UUID]:
    """Return the principals of the members who used a browser or its network in the last 90 days.

    `devices` are the values of its device cookies, `secrets` those of its session cookies. Guests
    and custodians are not included. A private address is not compared: behind one proxy all users
    have the same.
    """
    places = [f"device {one}" for one in devices if one]
    if address and not _is_private(address):
        places.append(f"address {network_of_address(address)}")
    rows = scope.run(
        _MEMBERS_SEEN,
        tenant=scope.tenant_id,
        digests=[_fingerprint(scope, key, place) for place in places] if key else [],
        sessions=[hashlib.sha256(one.encode()).hexdigest() for one in secrets if one],
        window=FINGERPRINT_WINDOW,
    )
    return frozenset(rows.scalars())


_PRIVATE = tuple(
    ip_network(one)
    for one in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
        "100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip
"""Private ranges of RFC 1918, RFC 6598 and RFC 4193, loopback and link-local."""


def _is_private(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return True
    # An IPv6 address that embeds an IPv4 address counts as the latter.
    plain = (embedded_ipv4(found) if isinstance(found, IPv6Address) else None) or found
    return any(plain in network for network in _PRIVATE if network.version == plain.version)
