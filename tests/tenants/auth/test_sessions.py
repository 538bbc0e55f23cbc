"""Sign-in links and sessions: single use, expiry, revocation, and storage as digests."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from foundation.db.database import Database, OpenScope
from foundation.errors import Refused
from foundation.ids import INSTALLATION_ID
from tenants.auth import passwords
from tenants.auth import sessions as login
from tests.tenants.builders import Agency, create_small_agency


def link(lumiere: Agency) -> str:
    with lumiere.scope() as scope:
        return login.create_sign_in_link(scope, lumiere.owner)


def test_link_creates_session_of_its_member(pages: Database, lumiere: Agency) -> None:
    session = login.redeem_sign_in_link(pages.scope, link(lumiere))
    assert login.find_session(pages.scope, session) == (lumiere.tenant_id, lumiere.owner)


def test_link_is_used_once(pages: Database, lumiere: Agency) -> None:
    secret = link(lumiere)
    login.redeem_sign_in_link(pages.scope, secret)
    with pytest.raises(Refused, match=r"login\.link_spent"):
        login.redeem_sign_in_link(pages.scope, secret)


def test_concurrent_uses_of_link_create_one_session(
    pages: Database, tenant: OpenScope, lumiere: Agency
) -> None:
    def enter(secret: str) -> str | None:
        try:
            return login.redeem_sign_in_link(tenant, secret)
        except Refused:
            return None

    for _ in range(5):
        secret = link(lumiere)
        with ThreadPoolExecutor(6) as pool:
            sessions = [one for one in pool.map(enter, [secret] * 6) if one]
        assert len(sessions) == 1


@pytest.mark.parametrize("secret", ["", "unknown", "' OR true --", "\x00", "é" * 4000])
def test_unknown_link_and_session_are_refused(
    pages: Database, lumiere: Agency, secret: str
) -> None:
    with pytest.raises(Refused, match=r"login\.link_spent"):
        login.redeem_sign_in_link(pages.scope, secret)
    assert login.find_session(pages.scope, secret) is None


def expire(lumiere: Agency, table: str) -> None:
    with lumiere.scope() as scope:
        scope.run(
            f"UPDATE {table} SET expires_at = people_now() WHERE tenant_id = :t",
            t=lumiere.tenant_id,
        )


def test_expired_link_is_refused(pages: Database, lumiere: Agency) -> None:
    secret = link(lumiere)
    expire(lumiere, "login_links")
    with pytest.raises(Refused, match=r"login\.link_spent"):
        login.redeem_sign_in_link(pages.scope, secret)


@pytest.mark.parametrize("by", [-timedelta(days=2), timedelta(days=2)], ids=["back", "forward"])
def test_link_expiry_ignores_database_clock_shift(
    pages: Database, tenant: OpenScope, lumiere: Agency, by: timedelta
) -> None:
    old = link(lumiere)
    expire(lumiere, "login_links")
    fresh = link(lumiere)
    with tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("SELECT house_clock_move(:by)", by=by)
    with pytest.raises(Refused, match=r"login\.link_spent"):
        login.redeem_sign_in_link(pages.scope, old)
    assert (
        login.find_session(pages.scope, login.redeem_sign_in_link(pages.scope, fresh)) is not None
    )


def test_session_expires(pages: Database, lumiere: Agency) -> None:
    session = login.redeem_sign_in_link(pages.scope, link(lumiere))
    expire(lumiere, "login_sessions")
    assert login.find_session(pages.scope, session) is None


def test_revoked_session_is_rejected(pages: Database, lumiere: Agency) -> None:
    first, second = (login.redeem_sign_in_link(pages.scope, link(lumiere)) for _ in range(2))
    with lumiere.scope() as scope:
        assert login.revoke_sessions(scope, lumiere.chatter) == 0
        assert login.revoke_sessions(scope, lumiere.owner) == 2
        assert login.revoke_sessions(scope, lumiere.owner) == 0
    assert login.find_session(pages.scope, first) is None
    assert login.find_session(pages.scope, second) is None


def test_sign_out_closes_one_session(pages: Database, lumiere: Agency) -> None:
    first, second = (login.redeem_sign_in_link(pages.scope, link(lumiere)) for _ in range(2))
    login.close_session(pages.scope, first)
    login.close_session(pages.scope, first)
    login.close_session(pages.scope, "unknown")
    assert login.find_session(pages.scope, first) is None
    assert login.find_session(pages.scope, second) is not None


def test_password_change_revokes_open_links(pages: Database, lumiere: Agency) -> None:
    """A link for a phone, created on an unattended page, remained valid for an hour after the
    password change."""
    with pages.scope(lumiere.tenant_id, f"member:{lumiere.owner}") as scope:
        before, other = (
            login.create_sign_in_link(scope, lumiere.owner),
            login.create_sign_in_link(scope, lumiere.chatter),
        )
        passwords.set_password(
            scope, lumiere.owner, "trois moineaux sur un fil", email="owner@example.test"
        )
        after = login.create_sign_in_link(scope, lumiere.owner)
    with pytest.raises(Refused, match=r"login\.link_spent"):
        login.redeem_sign_in_link(pages.scope, before)
    assert login.redeem_sign_in_link(pages.scope, after)
    assert login.redeem_sign_in_link(pages.scope, other)


def test_another_agency_cannot_revoke_sessions(
    pages: Database, tenant: OpenScope, lumiere: Agency
) -> None:
    session = login.redeem_sign_in_link(pages.scope, link(lumiere))
    other = create_small_agency(tenant)
    with other.scope() as scope:
        assert login.revoke_sessions(scope, lumiere.owner) == 0
    assert login.find_session(pages.scope, session) is not None


def test_link_secret_is_not_a_session(pages: Database, lumiere: Agency) -> None:
    secret = link(lumiere)
    assert login.find_session(pages.scope, secret) is None
    session = login.redeem_sign_in_link(pages.scope, secret)
    assert session != secret
    with pytest.raises(Refused):
        login.redeem_sign_in_link(pages.scope, session)


def test_tables_store_digests_only(pages: Database, lumiere: Agency) -> None:
    secret = link(lumiere)
    session = login.redeem_sign_in_link(pages.scope, secret)
    with lumiere.scope() as scope:
        for table, kept in (("login_links", secret), ("login_sessions", session)):
            (row,) = scope.run(
                f"SELECT {table}::text AS whole, digest FROM {table} WHERE tenant_id = :t",
                t=lumiere.tenant_id,
            )
            assert kept not in row.whole
            assert row.digest == hashlib.sha256(kept.encode()).hexdigest()


def test_secrets_have_256_bits(lumiere: Agency) -> None:
    secrets = {link(lumiere) for _ in range(20)}
    assert len(secrets) == 20
    assert min(map(len, secrets)) >= 43  # 256 bits


def test_link_for_unknown_member_is_rejected(tenant: OpenScope, tenant_id: UUID) -> None:
    from sqlalchemy.exc import IntegrityError

    from foundation.ids import uuid7

    with pytest.raises(IntegrityError), tenant(tenant_id, "system:test") as scope:
        login.create_sign_in_link(scope, uuid7())
