"""The code beside a receipt: eight digits, kept as argon2id, tried a few times only; and the pass
it opens for an hour.

Whoever types a receipt that nobody was given reads the same words, after about the same time.
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
"""So long a browser that gave the code is let in without it."""

ACTOR = "system:door"
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""19 MiB, 2 passes, 1 lane:
https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html"""

_TURNS = threading.BoundedSemaphore(2)
"""Strangers cause these sums: two beside each other, so that a flood costs time and not memory."""


def create_access_code() -> tuple[str, str]:
    """A code, told once, and what is kept of it."""
    pin = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
    with _TURNS:
        return pin, _HASHER.hash(pin)


@cache
def _dummy_hash() -> str:
    return _HASHER.hash("no such receipt")


def verify_access_code(
    tenant: OpenScope, receipt: str, hashed: str | None, typed: str, *, address: str
) -> None:
    """Try a code against what is kept; None for a receipt nobody was given.

    Each try is counted before it is made, so that many at once are no more than a few. Raises
    Refused, with the same words for a wrong code and for an unknown receipt, and after too many
    from one address or for one receipt.
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
    """A pass for this receipt, until `OPEN` is over: nobody can make one without what is kept of
    the code."""
    until = str(int((now + PASS_LIFETIME).timestamp()))
    return f"{until}.{_sign_pass(tenant_id, receipt, hashed, until)}"


def is_pass_valid(tenant_id: UUID, receipt: str, hashed: str, shown: str, now: datetime) -> bool:
    """Whether a pass is one of ours, for this receipt, and not over."""
    until, _, sign = shown.partition(".")
    if not (until.isascii() and until.isdigit() and len(until) < 12 and sign.isascii()):
        return False
    return hmac.compare_digest(
        sign, _sign_pass(tenant_id, receipt, hashed, until)
    ) and now.timestamp() < int(until)


def _sign_pass(tenant_id: UUID, receipt: str, hashed: str, until: str) -> str:
    said = f"receipt:{tenant_id}:{receipt}:{until}"
    return hmac.new(hashed.encode(), said.encode(), hashlib.sha256).hexdigest()
