"""Where a connection may go when people, or servers they name, chose the address: the public
internet, nowhere else.

The name is looked up once, and the connection made to what was found: a name that answers "public"
when it is checked and "this machine" when it is used gains nothing.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

AddressPolicy = Callable[[str, int], str]
"""The address to connect to for a host and a port. Raises OSError where nobody may go."""

NOT_PUBLIC = "not a public address"
"""What is said of where nobody may go."""

_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def allow_any_address(host: str, port: int) -> str:
    """No bounds: development, tests, and servers of our own settings."""
    return host


class PublicAddressPolicy:
    """Public addresses, and `own`: the origins of this installation's settings
    (`http://127.0.0.1:8080`)."""

    def __init__(self, own: Iterable[str]) -> None:
        self._own = frozenset(map(_host_and_port, own))

    def __call__(self, host: str, port: int) -> str:
        """The first address of `host`, if all of them are public. Raises OSError."""
        if (host.lower(), port) in self._own:
            return host
        found = [
            str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ]
        if not found or not all(map(is_public_address, found)):
            raise OSError(NOT_PUBLIC)
        return found[0]

    def is_own_origin(self, url: str) -> bool:
        """Whether an address is one of this installation's own."""
        return _host_and_port(url) in self._own


def _host_and_port(origin: str) -> tuple[str, int]:
    parts = urlsplit(origin)
    return (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def is_public_address(address: str) -> bool:
    """Whether an IP address is one of the public internet; one that carries another inside is
    judged by that too."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public_address(str(inner)) and not found.ipv4_mapped
    return found.is_global and not found.is_multicast


def parse_origin(typed: str) -> str:
    """`https://host[:port]` of what a person typed, a bare host included; "" for what is no such
    address."""
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


def can_connect(url: str, reach: AddressPolicy) -> bool:
    """Whether `reach` lets us go to `url`; outside our own house only by https."""
    parts = urlsplit(url)
    try:
        reach(parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0))
    except (OSError, ValueError):
        return False
    bounded = isinstance(reach, PublicAddressPolicy) and not reach.is_own_origin(url)
    return parts.scheme == "https" if bounded else parts.scheme in _PORTS
