"""Attempts to sign in that failed, by digests of who or where: after too many, nobody tries again for a while."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from foundation.database import Scope
from foundation.errors import Refused
from foundation.ids import HOUSE
from tenants.models import LoginFailure

WINDOW = timedelta(minutes=15)
PER_ACCOUNT, PER_ADDRESS = 5, 20
"""Failures within the window after which nobody signs in until it has passed."""

FORGET = timedelta(days=1)


def key(kind: str, value: str) -> str:
    """What is kept of an account or an address."""
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()


def count(scope: Scope, who: str) -> int:
    """How often it failed within the window; in a scope of the door."""
    return int(
        scope.run(
            "SELECT count(*) FROM login_failures WHERE tenant_id = :house AND who = :who AND failed_at > :since",
            house=HOUSE,
            who=who,
            since=scope.now - WINDOW,
        ).scalar()
        or 0
    )


def note(scope: Scope, *whom: str) -> list[UUID]:
    """Write a failure down for each, and forget the old ones; in a scope of the door. What was written, by id."""
    old = scope.now - FORGET
    scope.run("DELETE FROM login_failures WHERE tenant_id = :house AND failed_at < :old", house=HOUSE, old=old)
    rows = [LoginFailure(tenant_id=HOUSE, who=who, failed_at=scope.now) for who in whom]
    scope.add(*rows)
    return [row.id for row in rows]


def guessed(scope: Scope, kind: str, address: str, *, wait: str) -> None:
    """A secret that is nobody's was shown from a network address; in a scope of the door.

    Raises Refused with the code `wait` after too many. Who checks the secret first lets a right one in all the same,
    since 256 bits are not guessed, and one broken program must not shut out its neighbours.
    """
    who = key(kind, address)
    if count(scope, who) >= PER_ADDRESS:
        raise Refused(wait, minutes=int(WINDOW.total_seconds() // 60))
    note(scope, who)


def tried(scope: Scope, most: Mapping[str, int], *, wait: str) -> list[UUID]:
    """Count a try for each of these before it is made, so that many at once are no more than a few; what was written,
    for `right`. In a scope of the door.

    Raises Refused with the code `wait` where one of them failed so often already.
    """
    for who in sorted(most):
        scope.hold(f"tried:{who}")
    if any(count(scope, who) >= least for who, least in most.items()):
        raise Refused(wait, minutes=int(WINDOW.total_seconds() // 60))
    return note(scope, *most)


def right(scope: Scope, written: Sequence[UUID]) -> None:
    """Nothing failed: what was counted before is no failure. Those of before stay."""
    scope.run("DELETE FROM login_failures WHERE tenant_id = :house AND id = ANY(:ids)", house=HOUSE, ids=list(written))


def settle(scope: Scope, who: str) -> None:
    """Forget what failed before: it was right at last."""
    scope.run("DELETE FROM login_failures WHERE tenant_id = :house AND who = :who", house=HOUSE, who=who)
