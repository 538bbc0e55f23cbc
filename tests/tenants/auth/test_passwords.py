"""Passwords: strength, sign-in, limits on failures, and sessions."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Refused
from foundation.ids import INSTALLATION_ID, uuid7
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.auth import failed_attempts, passwords, sessions

Lea = tuple[UUID, UUID, str]
GOOD = "trois moineaux sur un fil"


@pytest.fixture
def lea(tenant: OpenScope) -> Lea:
    """A member with a password: tenant ID, member ID, email address."""
    tenant_id, email = uuid7(), f"lea-{uuid7().hex[-8:]}@agence.example"
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Lumière", language="fr", zone="Europe/Paris")
        member = agencies.add_member(
            scope, name="Léa", email=email, role=Role.MANAGER, language="fr", zone="Europe/Paris"
        )
        passwords.set_password(scope, member, GOOD, email=email)
    return tenant_id, member, email


def enter(tenant: OpenScope, email: str, password: str, address: str = "") -> str:
    return passwords.sign_in_with_password(
        tenant, email=email, password=password, address=address or uuid7().hex
    )


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("court", "password.length"),
        ("x" * 300, "password.length"),
        ("passwordpassword", "password.leaked"),
        ("QwertyUiopasdf2024", "password.leaked"),
        ("abababababab", "password.leaked"),
        ("camille et ses amis", "password.name"),
        (GOOD, ""),
    ],
)
def test_weak_password_is_rejected_with_reason(password: str, code: str) -> None:
    assert passwords.password_weakness(password, email="camille@agence.example") == code


def test_email_case_is_ignored_at_sign_in(tenant: OpenScope, lea: Lea) -> None:
    tenant_id, member, email = lea
    session = enter(tenant, f"  {email.upper()} ", GOOD)
    assert sessions.find_session(tenant, session) == (tenant_id, member)


def test_all_wrong_credentials_get_same_error(tenant: OpenScope, lea: Lea) -> None:
    said = set()
    for email, password in (
        (lea[2], "autre chose de long"),
        ("nobody@agence.example", GOOD),
        (lea[2], "y" * 9999),
        ("\x00", "\x00" * 12),
    ):
        with pytest.raises(Refused) as refused:
            enter(tenant, email, password)
        said.add(refused.value.message.code)
    assert said == {"password.wrong"}


def test_five_failures_block_address_for_account_temporarily(tenant: OpenScope, lea: Lea) -> None:
    address = uuid7().hex
    for _ in range(failed_attempts.MAX_FAILURES_PER_PAIR):
        with pytest.raises(Refused, match=r"password\.wrong"):
            enter(tenant, lea[2], "autre chose de long", address)
    with pytest.raises(Refused, match=r"password\.wait"):
        enter(tenant, lea[2], GOOD, address)
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        scope.run(
            "UPDATE login_failures SET failed_at = failed_at - CAST(:w AS interval)",
            w=failed_attempts.FAILURE_WINDOW,
        )
    assert enter(tenant, lea[2], GOOD, address)


def test_concurrent_attempts_cannot_exceed_failure_limit(tenant: OpenScope, lea: Lea) -> None:
    """Each attempt counts for its address and account before its password is verified."""
    address = uuid7().hex
    together = threading.Barrier(4 * failed_attempts.MAX_FAILURES_PER_PAIR)

    def one(_: int) -> str:
        together.wait(30)
        with pytest.raises(Refused) as refused:
            enter(tenant, lea[2], "autre chose de long", address)
        return refused.value.message.code

    with ThreadPoolExecutor(together.parties) as pool:
        said = list(pool.map(one, range(together.parties)))
    assert said.count("password.wrong") == failed_attempts.MAX_FAILURES_PER_PAIR
    assert said.count("password.wait") == together.parties - failed_attempts.MAX_FAILURES_PER_PAIR


def test_successful_sign_in_records_no_failure(tenant: OpenScope, lea: Lea) -> None:
    address = uuid7().hex
    keys = [
        failed_attempts.failure_key("account", lea[2]),
        failed_attempts.address_key("address", address),
        failed_attempts.address_key("password", address, lea[2]),
    ]
    with pytest.raises(Refused, match=r"password\.wrong"):
        enter(tenant, lea[2], "autre chose de long", address)
    assert enter(tenant, lea[2], GOOD, address)
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        assert [failed_attempts.count_failures(scope, one) for one in keys] == [1, 1, 1], (
            "only the failure before counts"
        )


def test_one_address_cannot_try_many_accounts(tenant: OpenScope, lea: Lea) -> None:
    address = uuid7().hex
    for number in range(failed_attempts.MAX_FAILURES_PER_ADDRESS):
        with pytest.raises(Refused, match=r"password\.wrong"):
            enter(tenant, f"{number}@{address}.example", GOOD, address)
    with pytest.raises(Refused, match=r"password\.wait"):
        enter(tenant, lea[2], GOOD, address)
    assert enter(tenant, lea[2], GOOD)


def test_password_change_ends_all_sessions(tenant: OpenScope, lea: Lea) -> None:
    tenant_id, member, email = lea
    session = enter(tenant, email, GOOD)
    with tenant(tenant_id, "member:x") as scope:
        passwords.set_password(scope, member, "quatre merles sur un mur", email=email)
    assert sessions.find_session(tenant, session) is None
    with pytest.raises(Refused, match=r"password\.wrong"):
        enter(tenant, email, GOOD)
    with tenant(tenant_id, "member:x") as scope, pytest.raises(BadInput, match=r"password\.length"):
        passwords.set_password(scope, member, "court", email=email)


def test_idle_session_expires(tenant: OpenScope, lea: Lea) -> None:
    tenant_id, _, email = lea
    session = enter(tenant, email, GOOD)
    with tenant(tenant_id, "member:x") as scope:
        scope.run(
            "UPDATE login_sessions SET seen_at = seen_at - CAST(:idle AS interval)",
            idle=sessions.SESSION_IDLE_LIMIT,
        )
    assert sessions.find_session(tenant, session) is None


def test_agency_switch_requires_linked_logins(tenant: OpenScope, lea: Lea) -> None:
    tenant_id, member, email = lea
    other = uuid7()
    with tenant(other, "system:test") as scope:
        agencies.create_agency(scope, name="La mienne", language="fr", zone="Europe/Paris")
        mine = agencies.add_member(
            scope, name="Léa", email=email, role=Role.OWNER, language="fr", zone="Europe/Paris"
        )
    session = enter(tenant, email, GOOD)
    with pytest.raises(Refused, match=r"login\.not_tied"):
        sessions.switch_agency(tenant, session, other)
    with tenant(tenant_id, "member:x") as scope:
        sessions.link_logins(scope, member, other, mine)
    there = sessions.switch_agency(tenant, session, other)
    assert sessions.find_session(tenant, there) == (other, mine)
    for wrong in (uuid7(), tenant_id):
        with pytest.raises(Refused, match=r"login\.not_tied"):
            sessions.switch_agency(tenant, session, wrong)
