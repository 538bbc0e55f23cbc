"""Sign-in by email and password with argon2id. Unknown accounts get the same response in about the
same time.

Parameters: 64 MiB, 3 passes, 1 lane (RFC 9106, second recommended option, with fewer lanes for a
small machine).
"""

import re
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Refused
from foundation.ids import INSTALLATION_ID
from tenants import audit
from tenants.agencies import queries
from tenants.auth import device_fingerprints, failed_attempts, sessions
from tenants.auth.sessions import LinkPurpose

MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 256
"""Maximum length of a password in characters."""

_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)


@cache
def _dummy_hash() -> str:
    """Hash that is checked for unknown accounts, so that the response time reveals nothing."""
    return _HASHER.hash("nobody has this password")


@cache
def _load_leaked_passwords() -> frozenset[str]:
    lines = (Path(__file__).parent / "leaked.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def password_weakness(password: str, *, email: str) -> str:
    """Return the message code of the reason to reject a password, or ""."""
    plain = password.casefold()
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        return "password.length"
    if (
        plain in _load_leaked_passwords()
        or re.sub(r"\d{1,4}$|^\d{1,4}", "", plain) in _load_leaked_passwords()
        or len(set(plain)) < 5
    ):
        return "password.leaked"
    name = email.casefold().partition("@")[0]
    return "password.name" if len(name) > 3 and name in plain else ""


def set_password(scope: Scope, member_id: UUID, password: str, *, email: str) -> None:
    """Set the password of a member and revoke all sessions. Raises BadInput with the reason for a
    weak password."""
    wrong = password_weakness(password, email=email)
    if wrong:
        raise BadInput(wrong, least=MIN_PASSWORD_LENGTH)
    scope.run(
        "UPDATE members SET password_hash = :hash, updated_at = house_now() WHERE tenant_id = "
        ":tenant AND id = :id",
        tenant=scope.tenant_id,
        id=member_id,
        hash=_HASHER.hash(password),
    )
    sessions.revoke_sessions(scope, member_id)
    audit.record(scope, "member.password", f"member:{member_id}")


def reset_password(tenant: OpenScope, secret: str, password: str, *, browser: str = "") -> str:
    """Set a new password with a password link, end all sessions of its member, and return the
    secret of a new session.

    Raises Refused for an unknown, used or expired link, and BadInput for a weak password; the link
    then remains valid.
    """
    link = sessions.find_link(tenant, secret)
    if link is None or link.purpose is not LinkPurpose.PASSWORD:
        raise Refused("login.link_spent")
    with tenant(link.tenant_id, f"member:{link.member_id}") as scope:
        email = queries.get_member(scope, link.member_id).email
    weak = password_weakness(password, email=email)
    if weak:
        raise BadInput(weak, least=MIN_PASSWORD_LENGTH)
    with tenant(link.tenant_id, f"member:{link.member_id}") as scope:
        sessions.use_link(scope, secret, LinkPurpose.PASSWORD)
        set_password(scope, link.member_id, password, email=email)
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        return sessions.open_session(scope, link.tenant_id, link.member_id, browser=browser)


def sign_in_with_password(
    tenant: OpenScope,
    *,
    email: str,
    password: str,
    address: str,
    browser: str = "",
    device: str = "",
    door_key: str = "",
) -> str:
    """Sign in and return the secret of a new session.

    `device` is the value of the device cookie and `door_key` the key of fingerprints: a member who
    was seen here before can sign in while an attacker tries passwords of the account. Passkeys and
    sign-in links are not counted and not blocked.

    Raises Refused with the same message for an unknown email and a wrong password, and after too
    many failures from this address or of this account from all addresses.
    """
    # PostgreSQL text cannot contain NUL.
    email = email.replace("\x00", "").strip().casefold()[:254]
    pair = failed_attempts.address_key("password", address, email)
    most = {
        pair: failed_attempts.MAX_FAILURES_PER_PAIR,
        failed_attempts.address_key("address", address): failed_attempts.MAX_FAILURES_PER_ADDRESS,
    }
    account = failed_attempts.failure_key("account", email)
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        rows = scope.run(
            "SELECT tenant_id, id, password_hash FROM members WHERE lower(email) = :email AND "
            "active"
            " AND password_hash IS NOT NULL ORDER BY tenant_id LIMIT 3",
            email=email,
        ).all()
    if not any(_was_seen(tenant, door_key, row, address=address, device=device) for row in rows):
        most[account] = failed_attempts.MAX_GUESSES_PER_ACCOUNT
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        counted = failed_attempts.reserve_attempts(scope, most, wait="password.wait")
    found = next(
        (
            (row.tenant_id, row.id)
            for row in rows
            if _is_matching_password(row.password_hash, password)
        ),
        None,
    )
    if not rows:
        _is_matching_password(_dummy_hash(), password)
    if found is None:
        raise Refused("password.wrong")
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        failed_attempts.release_attempts(scope, counted)
        return sessions.open_session(scope, *found, browser=browser)


def _was_seen(tenant: OpenScope, key: str, row: Any, *, address: str, device: str) -> bool:
    if not key:
        return False
    with tenant(row.tenant_id, "system:door") as scope:
        return device_fingerprints.was_seen(scope, key, row.id, address=address, device=device)


def _is_matching_password(hashed: str, password: str) -> bool:
    try:
        return len(password) <= MAX_PASSWORD_LENGTH and _HASHER.verify(hashed, password)
    except (Argon2Error, InvalidHashError):
        return False
