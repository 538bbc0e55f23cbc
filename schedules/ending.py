"""Posts that their platform takes away by itself after a while, as stories are: they end, and nobody took them down.

Such a post stays published: it was, for as long as one of its kind ever is. What it left outside is written down as
gone, so that no recall seeks it, no look takes it for a removal and nobody is asked to take it away any more.
"""

from datetime import datetime, timedelta
from typing import Any

from channels import removing
from connectors import options
from connectors.contract import Connector
from foundation import outbox
from foundation.database import OpenScope, Scope
from gate import copies
from gate.units import Unit
from schedules import removal
from schedules.events import EndDue
from schedules.models import Delivery
from schedules.moving import delivery
from schedules.states import DeliveryState

S = DeliveryState
ENDING = "system:ending"
UNKNOWN = frozenset({S.PUBLISHING, S.PROCESSING, S.UNCERTAIN})
"""States in which nobody knows yet since when it can be seen."""

AGAIN = timedelta(hours=6)


def begin(scope: Scope, row: Delivery, unit: Unit, connector: Connector) -> dict[str, Any]:
    """What a claim writes of how long its post lasts there; where it does not for ever, the row that ends it."""
    hours = options.formed(connector.capabilities, unit.options).hours
    if hours:
        outbox.put(scope, EndDue(scope.tenant_id, row.id), at=scope.now + timedelta(hours=hours), instead_of=EndDue)
    return {"lasts_hours": hours or None}


def end(event: EndDue, *, tenant: OpenScope) -> None:
    """Write down that what it left outside is gone; what was called back, or to be taken away, is taken away then.

    Comes back (`outbox.Later`) while it may still be seen. What did not leave is none of its business: the next claim
    asks anew.
    """
    with tenant(event.tenant_id, ENDING) as scope:
        row = delivery(scope, event.subject_id)
        over = over_at(row)
        if over is None or row.state not in (S.PUBLISHED, S.REMOVING, *UNKNOWN):
            return
        if row.state in UNKNOWN:
            raise outbox.Later(AGAIN)
        if scope.now < over:
            raise outbox.Later(over - scope.now)
        for copy in removal.standing(scope, row):
            proof = f"ended:{row.lasts_hours}h"
            if row.state == S.REMOVING or copy.recalled_at is not None:
                removing.prove(scope, copy, proof)
            else:
                copies.gone(scope, copy.jti, proof)


def over_at(row: Delivery) -> datetime | None:
    """From when on nothing of it can be seen any more; None of what stands, or never was on its way."""
    last = row.settled_at or row.deadline_at or row.claimed_at
    return last + timedelta(hours=row.lasts_hours) if last is not None and row.lasts_hours is not None else None
