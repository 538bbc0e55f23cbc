"""Address policy: connections to addresses entered by users reach only the public internet."""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.conformance.fake_servers import serve_app
from foundation.http.address_policy import (
    PublicAddressPolicy,
    allow_any_address,
    can_connect,
    embedded_ipv4,
    is_public_address,
    parse_origin,
)
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse, RequestNotSent
from foundation.ops.fault_injection import FaultBook
from tests.fakes.own_page import OwnPage, create_app


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.9",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
        ),
        *(
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1%eth0",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
        ),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "localhost", ""),
    ],
)
def test_private_address_is_not_public(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "2002:808:808::"]
)
def test_internet_address_is_public(address: str) -> None:
    assert is_public_address(address)


def _isatap(inner: int) -> int:
    return 0x2606_4700_0000_0000_0200_5EFE << 32 | inner


CARRIERS: tuple[Callable[[int], int], ...] = (
    lambda inner: inner,
    lambda inner: 0xFFFF << 32 | inner,
    lambda inner: 0xFFFF << 48 | inner,
    lambda inner: 0x64FF9B << 96 | inner,
    lambda inner: 0x2002 << 112 | inner << 80 | 1,
    _isatap,
)
"""IPv4-compatible, mapped, translated, NAT64, 6to4 and ISATAP forms of an IPv4 address."""

INSIDE_NETWORKS = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4"),
]


@given(
    st.ip_addresses(v=4)
    | st.sampled_from(INSIDE_NETWORKS).flatmap(lambda net: st.ip_addresses(v=4, network=net)),
    st.sampled_from(CARRIERS),
)
def test_embedded_ipv4_address_decides_if_address_is_public(
    inner: IPv4Address, carry: Callable[[int], int]
) -> None:
    assert is_public_address(str(IPv6Address(carry(int(inner))))) is is_public_address(str(inner))


@given(st.ip_addresses(v=6))
def test_only_global_unicast_is_public(address: IPv6Address) -> None:
    """Exceptions are 64:ff9b::/96 and the forms that embed an IPv4 address."""
    if is_public_address(str(address)) and embedded_ipv4(address) is None:
        assert int(address) >> 125 == 1


@pytest.mark.parametrize("address", ["fec0::1", "64:ff9b:1::808:808", "3fff::1", "100::1"])
def test_other_reserved_networks_are_not_public(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (" pds.example ", "https://pds.example"),
        ("https://pds.example/", "https://pds.example"),
        ("http://127.0.0.1:2583", "http://127.0.0.1:2583"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://a@pds.example", ""),
        ("https://pds.example/xrpc", ""),
        ("https://pds.example?x=1", ""),
        ("https://pds.example:99999", ""),
        ("ftp://pds.example", ""),
        ("https://", ""),
        ("two words", ""),
    ],
)
def test_typed_address_is_parsed_as_origin(typed: str, found: str) -> None:
    assert parse_origin(typed) == found


def test_private_address_is_reached_only_if_configured() -> None:
    with serve_app(create_app(OwnPage("t", FaultBook()))) as url:
        request = HttpRequest("GET", f"{url}/house/lea/items/none", {}, b"", 2.0)
        for reach, reached in (
            (PublicAddressPolicy([]), RequestNotSent),
            (PublicAddressPolicy([url]), HttpResponse),
            (allow_any_address, HttpResponse),
        ):
            http = HttpClient(reach=reach)
            assert isinstance(http.send(request), reached)
            http.close()
        assert not can_connect(url, PublicAddressPolicy([]))
        assert can_connect(url, PublicAddressPolicy([url]))
        assert can_connect(url, allow_any_address)


def test_name_of_private_address_is_refused() -> None:
    with pytest.raises(OSError, match="public"):
        PublicAddressPolicy(["http://127.0.0.1:8080"])("localhost", 8080)
    with pytest.raises(socket.gaierror):
        PublicAddressPolicy([])("nowhere.invalid", 443)


def test_public_server_is_reached_by_https_only() -> None:
    assert can_connect("https://8.8.8.8", PublicAddressPolicy([]))
    assert not can_connect("http://8.8.8.8", PublicAddressPolicy([]))
    assert not can_connect("ftp://8.8.8.8", allow_any_address)
    assert not can_connect("", allow_any_address)
