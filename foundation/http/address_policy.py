"""Address policy for connections to hosts that users, or servers named by them, chose.

Only the public internet is allowed. A name is resolved once, and the connection uses the result, so
a name that resolves differently on the second look-up (DNS rebinding) gains nothing.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

AddressPolicy = Callable[[str, int], str]
"""Returns the address to connect to for a host and port. Raises OSError if it is not allowed."""

NOT_PUBLIC = "not a public address"
"""Error text for an address that is not allowed."""

_PORTS = {"http": 80, "https": 443}
_EVERY_PORT = -1
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_RESERVED = (ipaddress.ip_network("3fff::/20"),)
"""Documentation addresses (RFC 9637), which Python 3.11 does not know."""

_CARRY_IPV4 = tuple(map(ipaddress.ip_network, ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
_ISATAP = 0x00005EFE
"""The middle of an ISATAP interface identifier, without its universal bit."""


def allow_any_address(host: str, port: int) -> str:
    """Allow every address: for development, tests and servers from the settings."""
    return host


class PublicAddressPolicy:
    """Allows public addresses and `own`, the origins from this installation's settings.

    An origin is `http://127.0.0.1:8080`; `http://127.0.0.1:*` allows every port. `hosts` maps an
    own origin to the host that listens for it at the same port, such as another container.
    """

    def __init__(self, own: Iterable[str], *, hosts: Mapping[str, str] | None = None) -> None:
        self._own = frozenset(map(_host_and_port, own))
        self._hosts = {_host_and_port(origin): host for origin, host in (hosts or {}).items()}

    def _is_own(self, host: str, port: int) -> bool:
        return not self._own.isdisjoint({(host.lower(), port), (host.lower(), _EVERY_PORT)})

    def __call__(self, host: str, port: int) -> str:
        """Return the first address of `host` if all its addresses are public. Raises OSError."""
        if self._is_own(host, port):
            return self._hosts.get((host.lower(), port), host)
        found = [
            str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ]
        if not found or not all(map(is_public_address, found)):
            raise OSError(NOT_PUBLIC)
        return found[0]

    def is_own_origin(self, url: str) -> bool:
        """Return True if a URL belongs to one of the allowed origins of this installation."""
        return self._is_own(*_host_and_port(url))


def _host_and_port(origin: str) -> tuple[str, int]:
    if origin.endswith(":*"):
        return (urlsplit(origin.removesuffix(":*")).hostname or "").lower(), _EVERY_PORT
    parts = urlsplit(origin)
    return (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def is_public_address(address: str) -> bool:
    """Return True if an IP address belongs to the public internet.

    For an IPv6 address with an embedded IPv4 address, the latter counts, since gateways deliver to
    it.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = embedded_ipv4(found)
        if inner is not None:
            return is_public_address(str(inner))
        if found not in _GLOBAL_UNICAST or any(found in each for each in _RESERVED):
            return False
    return found.is_global and not found.is_multicast


def embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address embedded in an IPv6 address, or None.

    Covers IPv4-compatible and mapped (RFC 4291 §2.5.5), translated (RFC 2765), NAT64 (RFC 6052),
    6to4 (RFC 3056), Teredo (RFC 4380) and ISATAP (RFC 5214) addresses.
    """
    found = address.ipv4_mapped or address.sixtofour
    if found is not None:
        return found
    if address.teredo is not None:
        return address.teredo[1]
    last = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    is_isatap = int(address) >> 32 & 0xFDFFFFFF == _ISATAP
    carries = is_isatap or any(address in each for each in _CARRY_IPV4)
    return last if carries else None


def network_of_address(address: str) -> str:
    """Return the network of one internet customer: an IPv4 address, or an IPv6 /64 network.

    For other text, return its first 64 characters.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        plain = found.ipv4_mapped
        if plain is None:
            return str(ipaddress.ip_network((found, 64), strict=False))
        return str(plain)
    return str(found)


def parse_origin(typed: str) -> str:
    """Return the origin `https://host[:port]` from user input, or "" if it is invalid.

    A bare host gets the scheme https.
    """
    wanted = typed.strip() if "://" in typed else f"https://{typed.strip()}"
    try:
        parts = urlsplit(wanted)
        port = parts.port
    except ValueError:
        return ""
    plain = not (
        parts.username or parts.password or parts.query or parts.fragment
    ) and parts.path in {"", "/"}
    if (
        parts.scheme not in _PORTS
        or not parts.hostname
        or not plain
        or any(c.isspace() for c in wanted)
    ):
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def browser_origin(url: str) -> str:
    """Return the origin of a URL as browsers send it in `Origin`; "" if it has no host.

    It is in lower case and Punycode, without a default port (https://url.spec.whatwg.org/#origin).
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = parts.hostname or ""
        host = host if host.isascii() else host.encode("idna").decode()
    except (ValueError, UnicodeError):
        return ""
    if not host:
        return ""
    host = f"[{host}]" if ":" in host else host
    default = port is None or port == _PORTS.get(parts.scheme)
    return f"{parts.scheme}://{host}" if default else f"{parts.scheme}://{host}:{port}"


def can_connect(url: str, reach: AddressPolicy) -> bool:
    """Return True if the policy allows a URL; outside this installation only https is allowed."""
    parts = urlsplit(url)
    try:
        reach(parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0))
    except (OSError, ValueError):
        return False
    bounded = isinstance(reach, PublicAddressPolicy) and not reach.is_own_origin(url)
    return parts.scheme == "https" if bounded else parts.scheme in _PORTS
