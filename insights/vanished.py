"""Posts that somebody took away outside: looked at while their numbers are read, and believed at the second look.

One look proves nothing: a platform that answers badly for an hour would take every post away. Between two looks the
account is asked for as well (`channels.reading.still`), so that a lost account is no lost post.
"""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from connectors.standing import Missing, Stand
from foundation import outbox
from foundation.database import OpenScope, Scope
from insights.events import LookAgain
from schedules import outside, vanished

WATCHING = "system:watching"
AGAIN = timedelta(hours=1)
"""From one look to the next."""

MOST_LOOKS = 6
"""Looks of which none could say anything; then the next reading of numbers looks anew."""

Still = Callable[[UUID, UUID, str, bool], Stand | None]
"""`(tenant, channel, native id, numbers were told)` → how a post stands; None where nobody can say, or need ask."""


def suspect(scope: Scope, delivery_id: UUID) -> None:
    """A first look missed a post: it is looked at again, once."""
    again = LookAgain(scope.tenant_id, delivery_id, 1)
    outbox.put(scope, again, at=scope.now + AGAIN, instead_of=LookAgain)


def look_again(event: LookAgain, *, tenant: OpenScope, still: Still) -> None:
    """The second look: a post that is missing still was taken away there; one that stands was never gone."""
    with tenant(event.tenant_id, WATCHING) as scope:
        post = outside.published(scope, event.subject_id)
        if post is None or post.has_ended(scope.now):
            return
    seen = still(event.tenant_id, post.channel_id, post.native_id, False)
    with tenant(event.tenant_id, WATCHING) as scope:
        if isinstance(seen, Missing):
            vanished.note(scope, event.subject_id, seen)
        elif seen is None and event.looks < MOST_LOOKS:
            again = LookAgain(event.tenant_id, event.subject_id, event.looks + 1)
            outbox.put(scope, again, at=scope.now + AGAIN, instead_of=LookAgain)
