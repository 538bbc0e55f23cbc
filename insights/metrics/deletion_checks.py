"""Detection of posts deleted on the platform: checked with each reading and confirmed by a second
check.

A single check is not enough: during an outage a platform may report all posts as missing. Between
both checks the account is verified too (`channels.metrics.platform_readings.check_live_post`), so
that a lost account is not taken for deleted posts.
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
"""Interval between two checks."""

MAX_CHECKS = 6
"""Maximum number of inconclusive checks; the next reading starts over."""


class CheckStillLive(Protocol):
    """Check if a post is still live. Return None if the platform cannot report it, or if its
    metrics prove that the post is live."""

    def __call__(
        self, tenant_id: UUID, channel_id: UUID, native_id: str, has_metrics: bool, /
    ) -> PostPresence | None: ...


def schedule_deletion_recheck(scope: Scope, delivery_id: UUID) -> None:
    """Schedule the second check of a post that the first one missed."""
    again = DeletionRecheckDue(scope.tenant_id, delivery_id, 1)
    outbox.put(scope, again, at=scope.now + AGAIN, instead_of=DeletionRecheckDue)


def confirm_deletion(
    event: DeletionRecheckDue, *, tenant: OpenScope, still: CheckStillLive
) -> None:
    """Handle a post as deleted if it is still missing at the second check."""
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
