"""What a removal means for a delivery: asked here, carried out by `channels`, noted here."""

from uuid import UUID

from sqlmodel import select

from channels import removing
from foundation import outbox
from foundation.database import Scope
from foundation.errors import Conflict
from gate import copies
from gate.copies import Copy
from schedules.claiming import subject
from schedules.events import ReconcileDue
from schedules.models import Delivery
from schedules.moving import delivery, move
from schedules.states import DeliveryState

S = DeliveryState


def ask(scope: Scope, delivery_id: UUID) -> int:
    """Take a delivery away: one removal for each of its copies outside; returns how many.

    One in doubt is looked for first. Raises Conflict unless it is published or in doubt, and for a post that did not
    leave through this house.
    """
    row = delivery(scope, delivery_id)
    left = _left(scope, row)
    move(scope, row, S.REMOVING)
    if not left:
        raise Conflict("delivery.no_copy")
    outbox.cancel(scope, ReconcileDue.kind, delivery_id)
    for copy in left:
        removing.ask(scope, copy)
    return len(left)


def note(scope: Scope, delivery_id: UUID) -> None:
    """A copy is proven gone: the delivery is removed once none is left, whoever asked for it."""
    row = scope.session.exec(
        select(Delivery).where(Delivery.tenant_id == scope.tenant_id, Delivery.id == delivery_id)
    ).first()
    if row is None or row.state not in (S.REMOVING, S.PUBLISHED, S.UNCERTAIN) or _left(scope, row):
        return
    if row.state == S.UNCERTAIN:
        move(scope, row, S.REMOVING)
        outbox.cancel(scope, ReconcileDue.kind, delivery_id)
    move(scope, row, S.REMOVED)


def _left(scope: Scope, row: Delivery) -> list[Copy]:
    """What may still be seen outside. Of a delivery in doubt, everything that was ever allowed to leave."""
    known = copies.copies if row.native_id is not None else copies.traces
    return [copy for copy in known(scope, subject(row.id)) if copy.gone_at is None]
