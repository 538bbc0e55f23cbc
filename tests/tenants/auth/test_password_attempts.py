"""Wrong passwords slow down the address they come from, not the owner of the account."""

from ipaddress import IPv6Address
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import Refused
from foundation.ids import INSTALLATION_ID, uuid7
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tenants.auth import (
    challenges,
    device_fingerprints,
    failed_attempts,
    passwords,
    second_factor,
    sessions,
)
from tenants.auth.challenges import RelyingParty

GOOD = "trois moineaux sur un fil"
WRONG = "autre chose de long"
DOOR_KEY = second_factor.derive_door_key(bytes(range(32)))
SITE = "https://house.example"
Owner = tuple[UUID, UUID, str]


@pytest.fixture
def owner(tenant: OpenScope) -> Owner:
    """A member with a password: tenant ID, member ID, email address."""
    tenant_id, email = uuid7(), f"lea-{uuid7().hex[-8:]}@agence.example"
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Lumière", language="fr", zone="Europe/Paris")
        member = agencies.add_member(
            scope, name="Léa", email=email, role=Role.OWNER, language="fr", zone="Europe/Paris"
        )
        passwords.set_password(scope, member, GOOD, email=email)
    return tenant_id, member, email


def sign_in(tenant: OpenScope, email: str, password: str, address: str, device: str = "") -> str:
    return passwords.sign_in_with_password(
        tenant, email=email, password=password, address=address, device=device, door_key=DOOR_KEY
    )


def fail(tenant: OpenScope, email: str, address: str) -> str:
    with pytest.raises(Refused) as refused:
        sign_in(tenant, email, WRONG, address)
    return refused.value.message.code


def unique_ipv6(host: int) -> str:
    """Return an address in a network that no other test uses."""
    return str(IPv6Address(0x2A << 120 | (uuid7().int & 0xFFFFFFFFFFFF) << 64 | host))


def test_wrong_passwords_elsewhere_do_not_lock_out_owner(tenant: OpenScope, owner: Owner) -> None:
    elsewhere = [unique_ipv6(1)]
    for address in elsewhere:
        for _ in range(failed_attempts.MAX_FAILURES_PER_PAIR):
            assert fail(tenant, owner[2], address) == "password.wrong"
        assert fail(tenant, owner[2], address) == "password.wait"
    assert sign_in(tenant, owner[2], GOOD, unique_ipv6(2))
    assert fail(tenant, f"other-{owner[2]}", elsewhere[0]) == "password.wrong"


def test_ipv6_network_counts_as_one_address(tenant: OpenScope, owner: Owner) -> None:
    """One subscriber has 2**64 addresses."""
    first = IPv6Address(unique_ipv6(0))
    said = [
        fail(tenant, owner[2], str(first + number))
        for number in (1, 0xFFFF, 2**32, 2**63, 2**64 - 1, 7)
    ]
    assert said == ["password.wrong"] * failed_attempts.MAX_FAILURES_PER_PAIR + ["password.wait"]


def test_links_and_passkeys_remain_usable_after_failures(tenant: OpenScope, owner: Owner) -> None:
    tenant_id, member, email = owner
    address = unique_ipv6(3)
    for _ in range(failed_attempts.MAX_FAILURES_PER_PAIR + 1):
        fail(tenant, email, address)
    with tenant(tenant_id, "system:test") as scope:
        secret = sessions.create_sign_in_link(scope, member)
    assert sessions.redeem_sign_in_link(tenant, secret)
    site = RelyingParty.from_url(SITE, DOOR_KEY)
    assert "challenge" in challenges.create_sign_in_challenge(tenant, site, address)


def test_known_device_or_network_signs_in_despite_account_limit(
    tenant: OpenScope, owner: Owner
) -> None:
    tenant_id, member, email = owner
    home, device = unique_ipv6(4), uuid7().hex
    with tenant(tenant_id, f"member:{member}") as scope:
        device_fingerprints.record_device(
            scope, DOOR_KEY, queries.get_member(scope, member), address=home, device=device
        )
    account = failed_attempts.failure_key("account", email)
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        failed_attempts.record_failure(scope, *[account] * failed_attempts.MAX_GUESSES_PER_ACCOUNT)
    with pytest.raises(Refused, match=r"password\.wait"):
        sign_in(tenant, email, GOOD, unique_ipv6(5), uuid7().hex)
    assert sign_in(tenant, email, GOOD, home)
    assert sign_in(tenant, email, GOOD, unique_ipv6(6), device)
