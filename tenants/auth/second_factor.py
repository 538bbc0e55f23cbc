"""Second factor by authenticator app (TOTP, RFC 6238). Each six-digit code is accepted once; times
use the real clock (`people_now()`).

The shared secret is encrypted with a key that only the web process uses, and that decrypts nothing
else in the vault.
"""

import base64
import secrets
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlmodel import select

from foundation.db.database import OpenScope, Scope
from foundation.errors import Refused
from foundation.ids import INSTALLATION_ID, uuid7
from tenants import audit
from tenants.auth import failed_attempts, passkeys, sessions
from tenants.auth.models import SecondFactor
from tenants.vault import envelope

TOTP_STEP_SECONDS = 30
DIGITS = 6
BYTES = 20
"""Lifetime of a code in seconds, its length, and the length of the shared secret in bytes, as all
apps support them (RFC 4226, 4 and RFC 6238, 5.2)."""

AROUND = (-1, 0, 1)
"""Accepted time steps relative to now, for inaccurate clocks and slow typing (RFC 6238, 5.2)."""

ISSUER = "Greenroom"


@dataclass(frozen=True)
class TotpEnrolment:
    """The shared secret for an authenticator app, as an address for a QR code and as letters to
    type. Shown once."""

    address: str = field(repr=False)
    letters: str = field(repr=False)


def derive_door_key(master_key: bytes) -> str:
    """Derive the key of the web process from the master key, in base64. Because it is derived,
    restoring the master key restores it too."""
    return base64.b64encode(_derive_hkdf_key(master_key, b"greenroom door")).decode()


def begin_enrolment(scope: Scope, key: str, member_id: UUID) -> None:
    """Create a new shared secret, unless an app is already confirmed."""
    secret = envelope.encrypt_for_tenant(
        _factor_key(key), scope.tenant_id, secrets.token_bytes(BYTES)
    )
    scope.run(
        "INSERT INTO second_factors (tenant_id, id, member_id, box, last_step) VALUES (:tenant, "
        ":id, :member, :box, 0)"
        " ON CONFLICT (tenant_id, member_id) DO UPDATE SET box = excluded.box, last_step = 0, "
        "updated_at = house_now()"
        " WHERE second_factors.confirmed_at IS NULL",
        tenant=scope.tenant_id,
        id=uuid7(),
        member=member_id,
        box=secret,
    )


def pending_enrolment(
    scope: Scope, key: str, member_id: UUID, *, name: str
) -> TotpEnrolment | None:
    """Return the enrolment to show to a member without a second factor, or None if an app is
    confirmed or a passkey exists. `name` is the account name shown in the app."""
    row = _find_second_factor(scope, member_id)
    if row is None or row.confirmed_at is not None or passkeys.list_passkeys(scope, member_id):
        return None
    secret = envelope.decrypt_for_tenant(_factor_key(key), scope.tenant_id, row.box)
    letters = base64.b32encode(secret).decode().rstrip("=")
    return TotpEnrolment(_build_totp(secret).get_provisioning_uri(name, ISSUER), letters)


def verify_code(tenant: OpenScope, key: str, session: str, code: str, *, browser: str = "") -> str:
    """Verify a code for a pending session and return the secret of the complete session.

    Raises Refused if the session is no longer pending, for a wrong or used code, and after too many
    failures.
    """
    found = sessions.find_pending_session(tenant, session)
    if found is None:
        raise Refused("login.link_spent")
    who = failed_attempts.failure_key("factor", str(found[1]))
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        scope.lock(who)  # serializes concurrent attempts, so that each of them is counted
        if failed_attempts.count_failures(scope, who) >= failed_attempts.MAX_FAILURES_PER_ACCOUNT:
            raise Refused(
                "password.wait", minutes=int(failed_attempts.FAILURE_WINDOW.total_seconds() // 60)
            )
        failed_attempts.record_failure(scope, who)
    with tenant(found[0], f"member:{found[1]}") as scope:
        _consume_code(scope, key, found[1], code)
        opened = sessions.complete_pending_session(scope, found[1], session, browser=browser)
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        failed_attempts.clear_failures(scope, who)
    return opened


def reset_second_factor(scope: Scope, member_id: UUID) -> None:
    """Remove the authenticator app and all passkeys of a member and revoke all sessions. The member
    sets up a new factor at the next sign-in."""
    scope.run(
        "DELETE FROM second_factors WHERE tenant_id = :tenant AND member_id = :member",
        tenant=scope.tenant_id,
        member=member_id,
    )
    passkeys.end_all_passkeys(scope, member_id)
    audit.record(scope, "member.factor_forgotten", f"member:{member_id}")


def _consume_code(scope: Scope, key: str, member_id: UUID, code: str) -> None:
    row = _find_second_factor(scope, member_id)
    now = int(scope.run("SELECT extract(epoch FROM people_now())").scalar_one())
    secret = (
        envelope.decrypt_for_tenant(_factor_key(key), scope.tenant_id, row.box)
        if row is not None
        else bytes(BYTES)
    )
    typed = "".join(code.split())[:DIGITS].encode()
    right = [
        now // TOTP_STEP_SECONDS + by
        for by in AROUND
        if _is_matching_code(secret, typed, now + by * TOTP_STEP_SECONDS)
    ]  # all three are computed, so that the time does not reveal a match
    if (
        not right
        or scope.run(_USED, tenant=scope.tenant_id, member=member_id, step=max(right)).first()
        is None
    ):
        raise Refused("factor.wrong")


_USED = """
UPDATE second_factors SET last_step = :step, confirmed_at = coalesce(confirmed_at, house_now()),
  updated_at = house_now()
WHERE tenant_id = :tenant AND member_id = :member AND last_step < :step
  AND (confirmed_at IS NOT NULL OR NOT EXISTS (SELECT FROM passkeys p WHERE p.tenant_id = :tenant
    AND p.member_id = :member AND p.ended_at IS NULL)) RETURNING id
"""
"""Accepts a code once, even if requests are concurrent. A member with a passkey cannot confirm an
app through a sign-in link alone."""


def _is_matching_code(secret: bytes, typed: bytes, at: int) -> bool:
    try:
        _build_totp(secret).verify(typed, at)  # compares in constant time
    except InvalidToken:
        return False
    return True


def _build_totp(secret: bytes) -> TOTP:
    # HMAC-SHA-1 is the only algorithm that all apps support
    return TOTP(secret, DIGITS, SHA1(), TOTP_STEP_SECONDS)  # noqa: S303  see above


def _find_second_factor(scope: Scope, member_id: UUID) -> SecondFactor | None:
    return scope.session.exec(
        select(SecondFactor)
        .where(SecondFactor.tenant_id == scope.tenant_id, SecondFactor.member_id == member_id)
        .execution_options(populate_existing=True)
    ).first()


def _factor_key(key: str) -> bytes:
    return derive_key(key, b"greenroom second factor")


def derive_key(key: str, purpose: bytes) -> bytes:
    """Derive a key of the web process for one purpose. Raises Unavailable without a key."""
    return _derive_hkdf_key(envelope.parse_master_key(key), purpose)


def _derive_hkdf_key(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=envelope.KEY_BYTES, salt=None, info=purpose).derive(key)
