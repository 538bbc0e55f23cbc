"""Rate limits of failed sign-ins, by digests of accounts and network addresses."""

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
"""Failures within the window after which a second factor, or a removal receipt, accepts no more
codes."""

MAX_FAILURES_PER_PAIR = 5
"""Failures within the window of one account from one address. Other addresses are not affected, so
that an attacker cannot lock the owner out."""

MAX_FAILURES_PER_ADDRESS = 20
"""Failures within the window from one address, for any account."""

MAX_GUESSES_PER_ACCOUNT = 100
"""Failures within the window of one account from all addresses; after that, a password is accepted
only where the member was seen before. 100 is the limit of NIST SP 800-63B §5.2.2
(https://pages.nist.gov/800-63-3/sp800-63b.html#throttle)."""

FAILURE_RETENTION = timedelta(days=1)


def failure_key(kind: str, value: str) -> str:
    """Return the digest under which failures of an account or address are stored."""
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()


def address_key(kind: str, address: str, *about: str) -> str:
    """Return the key of an address, or of an address together with further values. An IPv6 address
    is reduced to its network, because one customer has 2**64 addresses."""
    return failure_key(kind, " ".join((network_of_address(address), *about)))


def count_failures(scope: Scope, who: str) -> int:
    """Return the number of failures within the window. Call it in a scope with the role `door`."""
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
    """Record a failure for each key, delete expired ones, and return the IDs of the new rows. Call
    it in a scope with the role `door`."""
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
    """Record an invalid secret from a network address. Call it in a scope with the role `door`.

    Raises Refused with the message code `wait` after too many. Callers that verify the secret first
    still accept a valid one: 256 bits cannot be guessed, and one broken client must not block its
    neighbours.
    """
    who = address_key(kind, address)
    if count_failures(scope, who) >= MAX_FAILURES_PER_ADDRESS:
        raise Refused(wait, minutes=int(FAILURE_WINDOW.total_seconds() // 60))
    record_failure(scope, who)


def reserve_attempts(scope: Scope, most: Mapping[str, int], *, wait: str) -> list[UUID]:
    """Count an attempt for each key before it is made, so that concurrent attempts cannot exceed
    the limit. Return the IDs for `release_attempts`. Call it in a scope with the role `door`.

    Raises Refused with the message code `wait` if one of the keys has reached its limit.
    """
    # A fixed order of locks, so that concurrent sign-ins cannot deadlock.
    for who in sorted(most):
        scope.lock(f"tried:{who}")
    if any(count_failures(scope, who) >= least for who, least in most.items()):
        raise Refused(wait, minutes=int(FAILURE_WINDOW.total_seconds() // 60))
    return record_failure(scope, *most)


def release_attempts(scope: Scope, written: Sequence[UUID]) -> None:
    """Delete the given attempts after a success; earlier failures remain."""
    scope.run(
        "DELETE FROM login_failures WHERE tenant_id = :house AND id = ANY(:ids)",
        house=INSTALLATION_ID,
        ids=list(written),
    )


def clear_failures(scope: Scope, who: str) -> None:
    """Delete the failures of a key after a success."""
    scope.run(
        "DELETE FROM login_failures WHERE tenant_id = :house AND who = :who",
        house=INSTALLATION_ID,
        who=who,
    )
