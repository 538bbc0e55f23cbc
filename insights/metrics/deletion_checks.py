"""Posts that somebody took away outside: looked at while their numbers are read, and believed at
the second look.

One look proves nothing: a platform that answers badly for an hour would take every post away.
Between two looks the account is asked for as well
(`channels.metrics.platform_readings.check_live_post`), so that a lost account is no lost post.
"""

from datetime import timedelta
from typing import Protocol
from uuid import UUID

from connectors.contract.post_presence import MissingPost, PostPresence
from foundation.db.database import OpenScope, Scope
from foundation.outbox import outbox
from insights.metrics.events import DeletionRecheckDue
from schedules.posts import live_posts
from schedules.publishing import external_deletions

WATCHING = "system:watching"
AGAIN = timedelta(hours=1)
"""From one look to the next."""

MAX_CHECKS = 6
"""Looks of which none could say anything; then the next reading of numbers looks anew."""


class CheckStillLive(Protocol):
    """Look up whether a post is still there; None where the platform cannot tell, or where its
    numbers prove it."""

    def __call__(
        self, tenant_id: UUID, channel_id: UUID, native_id: str, has_metrics: bool, /
    ) -> PostPresence | None: ...


def schedule_deletion_recheck(scope: Scope, delivery_id: UUID) -> None:
    """A first look missed a post: it is looked at again, once."""
    again = DeletionRecheckDue(scope.tenant_id, delivery_id, 1)
    outbox.put(scope, again, at=scope.now + AGAIN, instead_of=DeletionRecheckDue)


def confirm_deletion(
    event: DeletionRecheckDue, *, tenant: OpenScope, still: CheckStillLive
) -> None:
    """The second look: a post that is missing still was taken away there; one that stands was never
    gone."""
    with tenant(event.tenant_id, WATCHING) as scope:
        post = live_posts.find_live_post(scope, event.subject_id)
        if post is None or post.has_expired(scope.now):
            return
    seen = still(event.tenant_id, post.channel_id, post.native_id, False)
    with tenant(event.tenant_id, WATCHING) as scope:
        if isinstance(seen, MissingPost):
            external_deletions.handle_external_deletion(scope, event.subject_id, seen)
        elif seen is None and event.looks < MAX_CHECKS:
            again = DeletionRecheckDue(event.tenant_id, event.subject_id, event.looks + 1)
            outbox.put(scope, again, at=scope.now + AGAIN, instead_of=DeletionRecheckDue)
