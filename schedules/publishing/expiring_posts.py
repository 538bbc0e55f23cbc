"""Posts that their platform deletes after some hours, such as stories.

The state of such a post stays PUBLISHED. Its copies are recorded as removed, so that recalls and
removals ignore them and verification does not report an external deletion.
"""

from datetime import datetime, timedelta
from typing import Any

from channels.sending import removal
from connectors.contract.connector import Connector
from connectors.shared import options
from foundation.db.database import OpenScope, Scope
from foundation.outbox import outbox
from gate.contract.units import Unit
from gate.copies import live_copies
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.publishing import post_removal
from schedules.publishing.events import ExpiryDue

ENDING = "system:ending"
UNKNOWN = frozenset({DeliveryState.PUBLISHING, DeliveryState.PROCESSING, DeliveryState.UNCERTAIN})
"""States in which the time of publication is not known yet."""

AGAIN = timedelta(hours=6)


def begin_expiry(scope: Scope, row: Delivery, unit: Unit, connector: Connector) -> dict[str, Any]:
    """Return the columns about expiry that a claim writes, and schedule the end of an expiring
    post."""
    hours = options.capabilities_for(connector.capabilities, unit.options).hours
    if hours:
        outbox.put(
            scope,
            ExpiryDue(scope.tenant_id, row.id),
            at=scope.now + timedelta(hours=hours),
            instead_of=ExpiryDue,
        )
    return {"lasts_hours": hours or None}


def expire_delivery(event: ExpiryDue, *, tenant: OpenScope) -> None:
    """Record the copies of an expired delivery as removed. This also completes removals and
    recalls.

    Raises `outbox.RetryLater` while the post may be visible. A delivery that was not published is
    ignored, because its next claim schedules the event again.
    """
    with tenant(event.tenant_id, ENDING) as scope:
        row = get_delivery(scope, event.subject_id)
        over = expiry_time(row)
        if over is None or row.state not in (
            DeliveryState.PUBLISHED,
            DeliveryState.REMOVING,
            *UNKNOWN,
        ):
            return
        if row.state in UNKNOWN:
            raise outbox.RetryLater(AGAIN)
        if scope.now < over:
            raise outbox.RetryLater(over - scope.now)
        for copy in post_removal.live_copies(scope, row):
            proof = f"ended:{row.lasts_hours}h"
            if row.state == DeliveryState.REMOVING or copy.recalled_at is not None:
                removal.record_removal(scope, copy, proof)
            else:
                live_copies.record_removed(scope, copy.jti, proof)


def expiry_time(row: Delivery) -> datetime | None:
    """Return the instant after which no part is visible, or None if the post does not expire or was
    not sent."""
    last = row.settled_at or row.deadline_at or row.claimed_at
    return (
        last + timedelta(hours=row.lasts_hours)
        if last is not None and row.lasts_hours is not None
        else None
    )
