"""From an edit that is due to an armed request, and from its answer to which words stand outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never
from uuid import UUID

from sqlmodel import select

from channels import abilities, budgets, seeing
from channels import editing as copies_outside
from channels import reads as channel_reads
from channels.carrying import Armed, Settle
from channels.reads import Channel
from connectors.contract import Connector
from connectors.outcomes import (
    Disconnected,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.transport import EgressForbidden
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import Conflict, GreenroomError, NotFound
from foundation.words import Message
from gate import minting
from gate.copies import Copy
from gate.minting import Denied
from gate.units import Unit, together
from schedules import edits, planning, rehearsing
from schedules.approvals import is_approved
from schedules.blocked import STOPPED_FOR
from schedules.claiming import Mint
from schedules.composing import compose, compose_parts, marked_parts, matter, subject
from schedules.edits import TAKEN_AWAY
from schedules.events import EditDue, EditSaid
from schedules.models import Delivery, Edit, Post
from schedules.moving import delivery
from schedules.planning import post
from schedules.publishing import AT_ONCE
from schedules.states import ACT, MARGIN, DeliveryState, EditState

S, E = DeliveryState, EditState
EDITING = "system:editing"

ACCOUNT_AGAIN = timedelta(minutes=10)
"""How soon the same is tried after the account was refused: somebody may connect it anew meanwhile."""

GAVE_UP, BROKEN = Message("edit.gave_up"), Message("delivery.bug")

Carry = Callable[[Armed, Settle], object]
"""`channels.carrying.carry` on the steps of `channels.editing`, with everything bound."""


class NotNow(GreenroomError):
    """The claim was not made. `again`: the row should come back; `after`: what becomes of the edit instead, and why."""

    def __init__(
        self, *, again: timedelta | None = None, after: EditState | None = None, why: Message | None = None
    ) -> None:
        super().__init__("edit.not_now")
        self.again, self.after, self.why = again, after, why


@dataclass(frozen=True)
class _Ready:
    """The edit with what it is of, and the copy it changes."""

    row: Edit
    there: Delivery
    channel: Channel
    unit: Unit
    whole: Unit | None
    author: str
    copy: Copy


def claim(
    scope: Scope, edit_id: UUID, *, mint: Mint, connectors: Mapping[str, Connector]
) -> tuple[Armed | Outcome, int] | None:
    """Take an edit that is due, in the lock order of the house: epochs, channel, delivery, edit, permit.

    Returns the armed request, or at once what there is to say without one, with the number of the try; None where there
    is nothing to do (any more). Raises NotNow, the gate's Denied, and Conflict when something was changed meanwhile.
    """
    row = edits.edit(scope, edit_id)
    if row.state != E.DUE:
        return None
    ready = _ready(scope, row, connectors)
    row, attempt = ready.row, ready.row.attempt + 1
    edits.move(scope, row, E.SENDING, attempt=attempt, deadline_at=scope.now + ACT)
    turn = copies_outside.arm(
        scope,
        channel=ready.channel,
        unit=ready.unit,
        copy=ready.copy,
        native_id=ready.there.native_id or "",
        act=ACT,
        author=ready.author,
        whole=ready.whole,
        mint=mint,
        connectors=connectors,
    )
    return turn, attempt


def _ready(scope: Scope, row: Edit, connectors: Mapping[str, Connector]) -> _Ready:
    there, owner = delivery(scope, row.delivery_id), post(scope, row.post_id)
    channel = channel_reads.channel(scope, row.channel_id)
    _check_words(scope, row, owner)
    try:
        of = matter(scope, owner, [channel])
    except NotFound as missing:
        raise NotNow(after=E.REFUSED, why=Message("delivery.media_missing")) from missing
    can = abilities.of(connectors, channel).capabilities
    raw = compose_parts(compose(scope, there, owner, channel, of), owner, channel, can, of)
    minting.lock_epochs(scope, together(raw))
    blocked = budgets.take(scope, channel)
    if blocked is not None:
        raise NotNow(again=blocked.until - scope.now)
    if rehearsing.is_dry(scope, there):
        raise NotNow(again=STOPPED_FOR)
    there, row = _held(scope, row)
    units = marked_parts(scope, raw)
    native_id = there.native_id or ""
    copy = copies_outside.copy_of(scope, subject(there.id), native_id)
    if there.state != S.PUBLISHED or copy is None:
        raise NotNow(after=E.DROPPED, why=TAKEN_AWAY)
    _check_like(scope, units[0], copy, native_id)
    until = copies_outside.others_until(scope, units[0], native_id)
    if until is not None and scope.now < until + MARGIN:
        raise NotNow(again=until + MARGIN - scope.now)
    whole = units[-1] if len(units) > 1 else None
    return _Ready(row, there, channel, units[0], whole, owner.author, copy)


def _check_words(scope: Scope, row: Edit, owner: Post) -> None:
    """What was approved is byte for byte what leaves."""
    if scope.now > row.until:
        raise NotNow(after=E.REFUSED, why=GAVE_UP)
    try:
        same = planning.digest_now(scope, owner) == row.digest == owner.digest
    except NotFound as missing:
        raise NotNow(after=E.REFUSED, why=Message("delivery.media_missing")) from missing
    if not same:
        raise NotNow(after=E.REFUSED, why=Message("delivery.changed"))
    if not is_approved(scope, owner, scope.now):
        raise NotNow(after=E.WAITING)


def _held(scope: Scope, row: Edit) -> tuple[Delivery, Edit]:
    """Both as they stand now, until the claim ends: whoever takes the post away waits, or was first and is seen."""
    query = select(Delivery).where(Delivery.tenant_id == scope.tenant_id, Delivery.id == row.delivery_id)
    held = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    there = scope.session.exec(held).one()
    now = edits.edit(scope, row.id, held=True)
    if now.state != E.DUE:
        raise Conflict("edit.moved_meanwhile")
    return there, now


def _check_like(scope: Scope, unit: Unit, copy: Copy, native_id: str) -> None:
    """Nothing but words is changed: other pictures, other marks or a price are another post."""
    stands = copies_outside.said(scope, subject(copy.subject.id), native_id)
    if stands is None or [one.sha256 for one in stands.media] != [one.sha256 for one in unit.media]:
        raise NotNow(after=E.REFUSED, why=Message("edit.other_media"))
    if set(copy.flags) != set(unit.flags):
        raise NotNow(after=E.REFUSED, why=Message("edit.other_marks"))
    if unit.price is not None or copy.sold:
        raise NotNow(after=E.REFUSED, why=Message("edit.sold"))


def put_off(scope: Scope, edit_id: UUID, refusal: NotNow | Denied) -> timedelta | None:
    """A claim was not made: bring the edit where it belongs, or say when its row should come back."""
    row = _as_it_is(scope, edit_id)
    if row.state != E.DUE:
        return None
    if isinstance(refusal, Denied):
        again = _denied(scope, row, refusal)
        if again is not None:
            return min(again, max(row.until - scope.now, AT_ONCE))
        _refuse(scope, row, refusal.decision.why)
        return None
    if refusal.again is not None:
        return refusal.again
    if refusal.after == E.REFUSED:
        _refuse(scope, row, refusal.why)
    elif refusal.after is not None:
        done = {"settled_at": scope.now} if refusal.after == E.DROPPED else {}
        edits.move(scope, row, refusal.after, reason=refusal.why, **done)
    return None


def _as_it_is(scope: Scope, edit_id: UUID) -> Edit:
    """An edit, held after its delivery."""
    row = edits.edit(scope, edit_id)
    query = select(Delivery.id).where(Delivery.tenant_id == scope.tenant_id, Delivery.id == row.delivery_id)
    scope.session.exec(query.with_for_update(key_share=True)).one()
    return edits.edit(scope, edit_id, held=True)


def _denied(scope: Scope, row: Edit, denied: Denied) -> timedelta | None:
    """How soon the same may be asked again; None where a person must decide."""
    decision = denied.decision
    if decision.stopped or decision.stale:
        return STOPPED_FOR if decision.stopped else AT_ONCE
    if decision.unseen and seeing.ask(scope, row.channel_id):
        again = seeing.due_in(scope, row.channel_id)
        if again is not None:
            return again
    minting.record_denial(scope, denied)
    return None


def _refuse(scope: Scope, row: Edit, why: Message | None) -> None:
    """It does not go on; whether the words before stand there still is another question."""
    there = delivery(scope, row.delivery_id)
    unsure = copies_outside.in_doubt(scope, subject(there.id), there.native_id or "")
    edits.move(scope, row, E.UNSURE if unsure else E.REFUSED, reason=why, settled_at=scope.now)


def settle(scope: Scope, edit_id: UUID, outcome: Outcome, *, attempt: int, attempt_id: UUID | None) -> timedelta | None:
    """Write what the act came to; how soon it is tried again, where it is.

    A later claim, or somebody who took the post away, may have been faster: then the attempt alone tells of it.
    """
    if attempt_id is not None:
        copies_outside.close(scope, attempt_id, outcome)
    row = _as_it_is(scope, edit_id)
    if row.state != E.SENDING or row.attempt != attempt:
        return None
    match outcome:
        case Published():
            edits.move(scope, row, E.DONE, settled_at=scope.now)
            return None
        case Retry(after=after, reason=reason):
            return _later(scope, row, after, reason)
        case Uncertain(reason=reason):
            return _later(scope, row, MARGIN, reason)
        case Reauthorize(reason=reason) | Disconnected(reason=reason):
            return _later(scope, row, ACCOUNT_AGAIN, reason)
        case Rejected(reason=reason):
            _refuse(scope, row, reason)
            return None
        case Processing():
            return _later(scope, row, MARGIN, Message("attempt.not_proven"))
        case _:
            assert_never(outcome)


def _later(scope: Scope, row: Edit, after: timedelta, reason: Message) -> timedelta | None:
    there = delivery(scope, row.delivery_id)
    if there.state != S.PUBLISHED:
        edits.move(scope, row, E.DROPPED, reason=TAKEN_AWAY, settled_at=scope.now)
        return None
    if scope.now + after > row.until:
        _refuse(scope, row, reason)
        return None
    edits.move(scope, row, E.DUE, reason=reason)
    return after


def recover(scope: Scope, edit_id: UUID, *, connectors: Mapping[str, Connector]) -> None:
    """Bring an edit whose act ended without a settle where it belongs; the same words may leave once more.

    Raises `outbox.Later` while the act may still be under way.
    """
    row = _as_it_is(scope, edit_id)
    if row.state != E.SENDING:
        return
    until = (row.deadline_at or scope.now) + MARGIN
    if scope.now < until:
        raise outbox.Later(until - scope.now)
    there = delivery(scope, row.delivery_id)
    known = copies_outside.recorded(scope, subject(there.id), there.native_id or "", connectors=connectors)
    if known is not None:
        settle(scope, edit_id, known[1], attempt=row.attempt, attempt_id=known[0])
    else:
        _later(scope, row, timedelta(), Message("delivery.no_answer"))


def send(event: EditDue, *, tenant: OpenScope, mint: Mint, connectors: Mapping[str, Connector], carry: Carry) -> None:
    """Claim, act, settle. Raises `outbox.Later` where the words may not leave yet, or leave once more."""
    with tenant(event.tenant_id, EDITING) as scope:
        recover(scope, event.subject_id, connectors=connectors)
    try:
        with tenant(event.tenant_id, EDITING) as scope:
            taken = claim(scope, event.subject_id, mint=mint, connectors=connectors)
    except (NotNow, Denied) as refusal:
        with tenant(event.tenant_id, EDITING) as scope:
            again = put_off(scope, event.subject_id, refusal)
        if again is not None:
            raise outbox.Later(again) from refusal
        return
    except Conflict as moved:
        raise outbox.Later(AT_ONCE) from moved
    if taken is not None:
        _act(event, *taken, tenant=tenant, carry=carry)


def _act(event: EditDue, turn: Armed | Outcome, attempt: int, *, tenant: OpenScope, carry: Carry) -> None:
    later: list[timedelta | None] = []

    def settled(scope: Scope, armed: Armed | None, outcome: Outcome) -> None:
        ours = replace(scope, actor=EDITING)
        attempt_id = armed.attempt_id if armed is not None else None
        later.append(settle(ours, event.subject_id, outcome, attempt=attempt, attempt_id=attempt_id))

    if isinstance(turn, Armed):
        try:
            carry(turn, settled)
        except (NotFound, EgressForbidden) as unsent:
            with tenant(event.tenant_id, EDITING) as scope:
                lost = isinstance(unsent, NotFound)
                settled(scope, turn, Rejected(Message("delivery.media_missing") if lost else BROKEN, permanent=False))
            raise
    else:
        with tenant(event.tenant_id, EDITING) as scope:
            settled(scope, None, turn)
    if later and later[-1] is not None:
        raise outbox.Later(later[-1])


def gave_up(event: EditDue, *, tenant: OpenScope) -> None:
    """The row failed too often: a fault of ours, so a person is told."""
    with tenant(event.tenant_id, EDITING) as scope:
        row = _as_it_is(scope, event.subject_id)
        if row.state in (E.DUE, E.SENDING):
            _refuse(scope, row, BROKEN)


def word(event: EditSaid, *, tenant: OpenScope) -> None:
    """A member says which words stand outside; where the house found out by itself meanwhile, it stays so."""
    with tenant(event.tenant_id, event.by) as scope:
        row = _as_it_is(scope, event.subject_id)
        if row.state != E.UNSURE:
            return
        there = delivery(scope, row.delivery_id)
        copies_outside.resolve(scope, subject(there.id), there.native_id or "", came_through=event.came)
        edits.move(scope, row, E.DONE if event.came else E.REFUSED, reason=None, settled_at=scope.now)
