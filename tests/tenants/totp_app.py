"""An authenticator app: it stores a shared secret and computes codes from the current time."""

import base64
import re

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID
from tenants.auth import second_factor, sessions

KEY = second_factor.derive_door_key(bytes(range(32)))
"""The key of web processes in these tests."""


class AuthenticatorApp:
    """A phone that has scanned the letters of the page."""

    def __init__(self, letters: str) -> None:
        self.secret = base64.b32decode(letters + "=" * (-len(letters) % 8))

    @classmethod
    def scans(cls, page: str) -> "AuthenticatorApp":
        """Find the secret on the page: the only word of 32 capital letters and digits."""
        found = re.search(r"\b[A-Z2-7]{32}\b", page)
        assert found, page
        return cls(found[0])

    def code(self, now: int, *, later: int = 0) -> str:
        """Return the six-digit code `later` steps after `now`."""
        return (
            TOTP(self.secret, 6, SHA1(), 30)
            .generate(now + later * second_factor.TOTP_STEP_SECONDS)
            .decode()
        )


def read_people_clock(tenant: OpenScope) -> int:
    """Return the current Unix time of `people_now()`, in seconds."""
    with tenant(INSTALLATION_ID, "system:test", role="door") as scope:
        return int(scope.run("SELECT extract(epoch FROM people_now())").scalar_one())


def complete_sign_in(tenant: OpenScope, session: str, *, key: str = KEY) -> str:
    """Return a session that opens pages; a guest is enrolled with a new phone first."""
    found = sessions.find_pending_session(tenant, session)
    if found is None:
        return session
    tenant_id, member_id = found
    with tenant(tenant_id, "system:test") as scope:
        scope.run("DELETE FROM second_factors WHERE member_id = :m", m=member_id)
        second_factor.begin_enrolment(scope, key, member_id)
        offered = second_factor.pending_enrolment(scope, key, member_id, name="gus@example.test")
    assert offered is not None
    return second_factor.verify_code(
        tenant, key, session, AuthenticatorApp(offered.letters).code(read_people_clock(tenant))
    )
