"""Attempts to sign in that failed, by digests of who or where: after too many, nobody tries again
for a while."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import Refused
from foundation.http.address_policy import network_of_address
from foundation.ids import INSTALLATION_ID
from tenants.auth.models import LoginFailure

FAILURE_WINDOW = timedelta(minutes=15)
MAX_FAILURES_PER_ACCOUNT = 5
"""Failures within the window after which a second factor, or a receipt, takes no more codes."""

MAX_FAILURES_PER_PAIR = 5
"""Failures within the window of one account from one address; other addresses are not affected, so
that wrong passwords from elsewhere do not lock the owner out."""

MAX_FAILURES_PER_ADDRESS = 20
"""Failures within the window of one address, whatever it named."""

MAX_GUESSES_PER_ACCOUNT = 100
"""Failures within the window of one account from all addresses; then a password counts only where
its member was seen before. 100 is the limit of NIST SP 800-63B §5.2.2
(https://pages.nist.gov/800-63-3/sp800-63b.html#throttle)."""

FAILURE_RETENTION = timedelta(days=1)


def failure_key(kind: str, value: str) -> str:
    """What is kept of an account or an address."""
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()


def address_key(kind: str, address: str, *about: str) -> str:
    """Return the key of an address, or of a pair of an address and what it named. An IPv6 address
    counts by its network: one subscriber has 2**64 of them."""
    return failure_key(kind, " ".join((network_of_address(address), *about)))


def count_failures(scope: Scope, who: str) -> int:
    """How often it failed within the window; in a scope of the door."""
    return int(
        scope.run(
            "SELECT count(*) FROM login_failures WHERE tenant_id = :house AND who = :who AND "
            "failed_at > :since",
            house=INSTALLATION_ID,
            who=who,
            since=scope.now - FAILURE_WINDOW,
        ).scalar()
        or 0
    )


def record_failure(scope: Scope, *whom: str) -> list[UUID]:
    """Write a failure down for each, and forget the old ones; in a scope of the door. What was
    written, by id."""
    old = scope.now - FAILURE_RETENTION
    scope.run(
        "DELETE FROM login_failures WHERE tenant_id = :house AND failed_at < :old",
        house=INSTALLATION_ID,
        old=old,
    )
    rows = [LoginFailure(tenant_id=INSTALLATION_ID, who=who, failed_at=scope.now) for who in whom]
    scope.add(*rows)
    return [row.id for row in rows]


def record_guess(scope: Scope, kind: str, address: str, *, wait: str) -> None:
    """A secret that is nobody's was shown from a network address; in a scope of the door.

    Raises Refused with the code `wait` after too many. Who checks the secret first lets a right one
    in all the same, since 256 bits are not guessed, and one broken program must not shut out its
    neighbours.
    """
    who = address_key(kind, address)
    if count_failures(scope, who) >= MAX_FAILURES_PER_ADDRESS:
        raise Refused(wait, minutes=int(FAILURE_WINDOW.total_seconds() // 60))
    record_failure(scope, who)


def reserve_attempts(scope: Scope, most: Mapping[str, int], *, wait: str) -> list[UUID]:
    """Count a try for each of these before it is made, so that many at once are no more than a few;
    what was written, for `right`. In a scope of the door.

    Raises Refused with the code `wait` where one of them failed so often already.
    """
    for who in sorted(most):
        scope.lock(f"tried:{who}")
    if any(count_failures(scope, who) >= least for who, least in most.items()):
        raise Refused(wait, minutes=int(FAILURE_WINDOW.total_seconds() // 60))
    return record_failure(scope, *most)


def release_attempts(scope: Scope, written: Sequence[UUID]) -> None:
    """Nothing failed: what was counted before is no failure. Those of before stay."""
    scope.run(
        "DELETE FROM login_failures WHERE tenant_id = :house AND id = ANY(:ids)",
        house=INSTALLATION_ID,
        ids=list(written),
    )


def clear_failures(scope: Scope, who: str) -> None:
    """Forget what failed before: it was right at last."""
    scope.run(
        "DELETE FROM login_failures WHERE tenant_id = :house AND who = :who",
        house=INSTALLATION_ID,
        who=who,
    )
