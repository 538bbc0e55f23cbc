"""What a removal means for a delivery: asked here, carried out by `channels`, noted here."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import select

from channels import links, removing
from foundation.database import Scope
from foundation.errors import Conflict
from foundation.words import Message
from gate import copies
from gate.copies import Copy
from schedules import edits
from schedules.composing import subject
from schedules.models import Delivery
from schedules.moving import delivery, move
from schedules.planning import unplan
from schedules.states import DeliveryState
from schedules.threads import begun
from tenants import notices

S = DeliveryState


def ask(scope: Scope, delivery_id: UUID) -> int:
    """Take a delivery away: one removal for each of its copies outside, the last part first; returns how many.

    One in doubt is looked for first. Raises Conflict unless something of it is outside or may be, and for a post that
    did not leave through this house.
    """
    row = delivery(scope, delivery_id)
    left = _left(scope, row)
    move(scope, row, S.REMOVING)
    if not left:
        raise Conflict("delivery.no_copy" if row.lasts_hours is None else "delivery.ended")
    _away(scope, row, left)
    return len(left)


def call_back(scope: Scope, row: Delivery) -> None:
    """The rest of a thread may not leave: what stands of it makes no sense alone, and goes, the last part first.

    Why the rest may not stands in the gate's log; the members are told how far it had got.
    """
    left, said = _left(scope, row), {"done": len(row.part_ids), "parts": row.parts}
    told = Message("delivery.called_back", said)
    move(scope, row, S.REMOVING, reason=told)
    for copy in left:
        copies.call_back(scope, copy.jti, Message("recall.thread"))
    _away(scope, row, left)
    if not left:  # what stood of it went meanwhile, while the rest was in doubt
        _gone(scope, row)
    notices.put(scope, told, cause=f"delivery:{row.id}:thread", urgent=True, creator_id=row.creator_id)


def _away(scope: Scope, row: Delivery, left: Sequence[Copy]) -> None:
    unplan(scope, row.id)
    edits.drop(scope, row.id, edits.TAKEN_AWAY)
    for copy in left[::-1]:
        removing.ask(scope, copy)


def note(scope: Scope, delivery_id: UUID) -> None:
    """A copy is proven gone: the delivery is removed once none is left, whoever asked for it."""
    row = scope.session.exec(
        select(Delivery).where(Delivery.tenant_id == scope.tenant_id, Delivery.id == delivery_id)
    ).first()
    known = (S.REMOVING, S.PUBLISHED, S.UNCERTAIN, S.PARTLY, S.BROKEN_OFF)
    if row is None or row.state not in known or _left(scope, row):
        return
    if row.state in (S.UNCERTAIN, S.PARTLY, S.BROKEN_OFF):
        move(scope, row, S.REMOVING)
        unplan(scope, delivery_id)
    _gone(scope, row)


def seen_gone(scope: Scope, row: Delivery, reason: Message) -> None:
    """A post that was published is proven gone, and nobody here asked for it."""
    unplan(scope, row.id)
    _gone(scope, row, reason)


def standing(scope: Scope, row: Delivery) -> list[Copy]:
    """What of a delivery may still be seen outside, oldest first."""
    return _left(scope, row)


def _gone(scope: Scope, row: Delivery, reason: Message | None = None) -> None:
    move(scope, row, S.REMOVED, reason=reason)
    edits.drop(scope, row.id, edits.TAKEN_AWAY)
    links.close(scope, subject(row.id))


def _left(scope: Scope, row: Delivery) -> list[Copy]:
    """What may still be seen outside, oldest first. Of one in doubt, everything that was ever allowed to leave."""
    doubted = row.native_id is None or begun(row)
    known = copies.traces if doubted else copies.copies
    return [copy for copy in known(scope, subject(row.id)) if copy.gone_at is None]
