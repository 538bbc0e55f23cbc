"""Posts that their platform takes away by itself after a while, as stories are: they end, and
nobody took them down.

Such a post stays published: it was, for as long as one of its kind ever is. What it left outside is
written down as gone, so that no recall seeks it, no look takes it for a removal and nobody is asked
to take it away any more.
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
"""States in which nobody knows yet since when it can be seen."""

AGAIN = timedelta(hours=6)


def begin_expiry(scope: Scope, row: Delivery, unit: Unit, connector: Connector) -> dict[str, Any]:
    """What a claim writes of how long its post lasts there; where it does not for ever, the row
    that ends it."""
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
    """Write down that what it left outside is gone; what was called back, or to be taken away, is
    taken away then.

    Comes back (`outbox.RetryLater`) while it may still be seen. What did not leave is none of its
    business: the next claim asks anew.
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
    """From when on nothing of it can be seen any more; None of what stands, or never was on its
    way."""
    last = row.settled_at or row.deadline_at or row.claimed_at
    return (
        last + timedelta(hours=row.lasts_hours)
        if last is not None and row.lasts_hours is not None
        else None
    )
