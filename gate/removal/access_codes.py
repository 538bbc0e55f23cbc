"""The access codes of receipts, and the passes that replace a correct code for an hour.

A code has eight digits, is stored as an argon2id hash and may be tried only a few times. An unknown
receipt results in the same message after about the same time.
"""

import hashlib
import hmac
import secrets
import threading
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from foundation.db.database import OpenScope
from foundation.errors import Refused
from foundation.ids import INSTALLATION_ID
from tenants.auth import failed_attempts

CODE_DIGITS = 8
PASS_LIFETIME = timedelta(hours=1)
"""Time for which a browser needs no code after a correct one."""

ACTOR = "system:door"
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""19 MiB of memory, 2 passes, 1 lane, as recommended by OWASP:
https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html"""

_TURNS = threading.BoundedSemaphore(2)
"""Limits concurrent hashes to two: anyone can cause them, and a flood must not exhaust the memory.
"""


def create_access_code() -> tuple[str, str]:
    """Return a new code, which is shown once, and its hash."""
    pin = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
    with _TURNS:
        return pin, _HASHER.hash(pin)


@cache
def _dummy_hash() -> str:
    return _HASHER.hash("no such receipt")


def verify_access_code(
    tenant: OpenScope, receipt: str, hashed: str | None, typed: str, *, address: str
) -> None:
    """Verify a code against its hash, which is None for an unknown receipt.

    Each attempt is counted before it is made, so that concurrent attempts do not exceed the limit.
    Raises Refused with the same message for a wrong code and an unknown receipt, and after too many
    attempts from one address or for one receipt.
    """
    mine = failed_attempts.failure_key("receipt", receipt)
    theirs = failed_attempts.address_key("pin address", address)
    with tenant(INSTALLATION_ID, ACTOR, role="door") as scope:
        scope.lock(f"pin:{mine}")
        counted = {
            mine: failed_attempts.MAX_FAILURES_PER_ACCOUNT,
            theirs: failed_attempts.MAX_FAILURES_PER_ADDRESS,
        }
        if any(failed_attempts.count_failures(scope, who) >= most for who, most in counted.items()):
            raise Refused(
                "receipt.wait", minutes=int(failed_attempts.FAILURE_WINDOW.total_seconds() // 60)
            )
        failed_attempts.record_failure(scope, mine)
    # An unknown receipt is checked against a dummy hash, so that both cases take equally long.
    if not _is_matching_code(hashed or _dummy_hash(), "".join(typed.split())) or hashed is None:
        with tenant(INSTALLATION_ID, ACTOR, role="door") as scope:
            failed_attempts.record_failure(scope, theirs)
        raise Refused("receipt.wrong")
    with tenant(INSTALLATION_ID, ACTOR, role="door") as scope:
        failed_attempts.clear_failures(scope, mine)


def _is_matching_code(hashed: str, typed: str) -> bool:
    if len(typed) > 4 * CODE_DIGITS:
        typed = ""
    try:
        with _TURNS:
            return _HASHER.verify(hashed, typed)
    except (Argon2Error, InvalidHashError):
        return False


def issue_pass(tenant_id: UUID, receipt: str, hashed: str, now: datetime) -> str:
    """Return a pass for a receipt that is valid for `PASS_LIFETIME`.

    The code's hash signs it, so no one without the hash can create one.
    """
    until = str(int((now + PASS_LIFETIME).timestamp()))
    return f"{until}.{_sign_pass(tenant_id, receipt, hashed, until)}"


def is_pass_valid(tenant_id: UUID, receipt: str, hashed: str, shown: str, now: datetime) -> bool:
    """Return True if a pass is genuine, for this receipt, and not expired."""
    until, _, sign = shown.partition(".")
    if not (until.isascii() and until.isdigit() and len(until) < 12 and sign.isascii()):
        return False
    return hmac.compare_digest(
        sign, _sign_pass(tenant_id, receipt, hashed, until)
    ) and now.timestamp() < int(until)


def _sign_pass(tenant_id: UUID, receipt: str, hashed: str, until: str) -> str:
    said = f"receipt:{tenant_id}:{receipt}:{until}"
    return hmac.new(hashed.encode(), said.encode(), hashlib.sha256).hexdigest()
