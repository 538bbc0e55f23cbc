"""What is told of a post after it left: a person's word about one they had in hand, a platform's about where it is."""

from uuid import UUID

from channels import carrying
from connectors.outcomes import Rejected
from foundation import outbox
from foundation.database import Scope
from foundation.errors import Conflict
from foundation.words import Message
from gate import copies
from schedules import publishing
from schedules.composing import subject
from schedules.events import HandedBack, ReconcileDue
from schedules.models import Delivery
from schedules.moving import change, delivery, move
from schedules.states import DeliveryState

S = DeliveryState


def note(scope: Scope, event: HandedBack) -> None:
    """Bring the delivery to what was said: posted, not posted, or perhaps posted although it was called back.

    Said twice, or of a delivery that went on meanwhile, it changes nothing. Raises NotFound.
    """
    row = delivery(scope, event.of_id)
    if event.end == "linked":
        _link(scope, row, event)
    elif row.state not in (S.PROCESSING, S.UNCERTAIN):
        return
    elif event.end == "posted":
        _posted(scope, row, event)
    elif event.end == "recalled_open":
        if row.state == S.PROCESSING:
            move(scope, row, S.UNCERTAIN, reason=Message(event.why), uncertain_since=scope.now)
            outbox.cancel(scope, ReconcileDue.kind, row.id)
    else:
        _not_posted(scope, row, event)


def _posted(scope: Scope, row: Delivery, event: HandedBack) -> None:
    try:
        publishing.link(scope, row.id, native_id=event.native_id, url=event.url)
    except Conflict:  # the same link on another post of the account: it is posted all the same
        publishing.link(scope, row.id, native_id=f"task:{event.subject_id}", url=event.url)


def _not_posted(scope: Scope, row: Delivery, event: HandedBack) -> None:
    reason = Message(event.why)
    if row.state == S.PROCESSING:
        move(scope, row, S.FAILED, reason=reason, settled_at=scope.now)
    else:  # the graph has no way back to failed: nobody posts it any more
        move(scope, row, S.CANCELLED, reason=reason)
    outbox.cancel(scope, ReconcileDue.kind, row.id)
    carrying.close(scope, subject(row.id), Rejected(reason, permanent=False))


def _link(scope: Scope, row: Delivery, event: HandedBack) -> None:
    """The link came after the word: the delivery and its copy learn where it is."""
    if row.state != S.PUBLISHED:
        return
    known = copies.copies(scope, subject(row.id))
    change(scope, row, native_id=event.native_id, url=event.url)
    if known:
        copies.note_copy(scope, known[-1].jti, event.native_id, scope.now)


def addressed(scope: Scope, delivery_id: UUID, *, before: str, native_id: str, url: str) -> None:
    """A platform tells where people find what went out as `before`; what somebody said of it stays.

    Raises Conflict when the delivery moves on meanwhile.
    """
    row = delivery(scope, delivery_id)
    if row.url or row.native_id != before:
        return  # another part of a thread: the address of a delivery is that of its first
    change(scope, row, native_id=native_id, url=url)
